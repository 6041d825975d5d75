import { afterEach, describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { QueueFigures } from '../../src/domain/queue-figures.ts';
import { countBatches } from '../../src/jobs/count-batches.ts';
import { countDeliveries } from '../../src/jobs/count-deliveries.ts';
import { QueueWatch, readQueueFigures } from '../../src/jobs/queue-watch.ts';
import { endItems, makeBatch } from '../support/batches.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';
import { silentEvents } from '../support/silent-events.ts';

const service = await startService();
const { db } = service.base;
const policy = { targetWaitMs: 60_000, min: 1, max: 10, downAfterMs: 60_000 };

const watches: QueueWatch[] = [];
afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.stop();
});

async function startWatch(): Promise<QueueWatch> {
  const watch = new QueueWatch({ db, events: silentEvents(), policy, everyMs: 200 });
  watches.push(watch);
  await watch.start();
  return watch;
}

const submit = async (priority: string) => {
  const body = JSON.stringify({ html: '<p>x</p>', priority });
  expect((await service.request('/v1/jobs', { method: 'POST', body })).status).toBe(202);
};

describe('the figures of the queue', () => {
  it('are exported by one process, and by another when that one ends', async () => {
    const hasLease = async () => (await service.sql`select 1 from pdfprompt_lease`).length === 1;
    await eventually(hasLease, 30_000, "the service's own watch has the lease");
    const [first, second] = [await startWatch(), await startWatch()];
    await service.sql`update pdfprompt_lease set expires_at = now()`;
    await eventually(() => [first, second].some(({ figures }) => figures), 30_000, 'one of them exports');
    for (let time = 0; time < 20; time++) {
      expect([first, second].filter(({ figures }) => figures).length).toBeLessThanOrEqual(1);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const [leader, other] = first.figures ? [first, second] : [second, first];
    await leader.stop();
    await eventually(() => other.figures !== undefined, 30_000, 'the other one exports');
    expect(leader.figures).toBeUndefined();
  });

  it('are right, at GET /v1/admin/queue too', async () => {
    for (let time = 0; time < 5; time++) await submit('low');
    for (let time = 0; time < 3; time++) await submit('high');
    const { key } = await createKey(db, { email: 'admin@example.com', tier: 'system', scopes: ['admin'] });
    const read = async () =>
      (await (await service.request('/v1/admin/queue', { key })).json()) as Partial<QueueFigures>; // a problem at first
    await eventually(async () => (await read()).depth?.low === 5, 30_000, 'they are counted');
    const figures = await read();
    expect(figures).toMatchObject({
      depth: { low: 5, medium: 0, high: 3, critical: 0 },
      processing: 0,
      workers: 0,
      desiredWorkers: 1,
    });
    expect(figures.oldestSeconds).toBeGreaterThan(0);
    expect(Object.keys(figures)).not.toContain('fewer');
  });

  it('are not to be had when nobody counts', async () => {
    await expect(
      db.transaction(async (tx) => {
        await tx.execute(`update pdfprompt_lease set expires_at = now() - interval '1 minute'`);
        return readQueueFigures(tx);
      }),
    ).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('the figures of batches', () => {
  it('count what is open, which is no part of what users wait for', async () => {
    const [user] = await service.sql<{ id: string }[]>`select id from pdfprompt_user where email = 'ann@example.com'`;
    const userId = user?.id ?? '';
    expect(await countBatches(db)).toEqual({ batches: 0, items: 0, oldestSeconds: 0 });
    const old = await makeBatch(service.sql, { userId, items: 40 });
    await makeBatch(service.sql, { userId, items: 100 });
    await service.sql`update pdfprompt_batch set created_at = now() - interval '1 hour' where id = ${old.id}`;
    await service.sql`update pdfprompt_job set created_at = now() - interval '1 hour' where batch_id = ${old.id}`;
    await endItems(service.sql, old.jobs.slice(0, 10));
    await endItems(service.sql, old.jobs.slice(10, 15), 'failed');
    const open = await countBatches(db);
    expect(open).toMatchObject({ batches: 2, items: 125 });
    expect(open.oldestSeconds / 3_600).toBeCloseTo(1, 1);

    await service.sql`update pdfprompt_lease set expires_at = now()`;
    const watch = await startWatch();
    const isExported = async () => {
      await service.sql`update pdfprompt_lease set expires_at = now() where expires_at > now() + interval '1 second'`;
      return watch.batches?.items === 125;
    };
    await eventually(isExported, 30_000, 'they are exported');
    expect(watch.figures).toMatchObject({ items: 125, depth: { low: 5, medium: 0, high: 3, critical: 0 } });
    expect(watch.figures?.oldestSeconds).toBeLessThan(1_800);

    // A process of a release that knows no batches counts no items.
    await db.transaction(async (tx) => {
      await tx.execute(`update pdfprompt_lease set state = state - 'items' - 'itemsProcessing'`);
      expect(await readQueueFigures(tx)).toMatchObject({ items: 0, depth: { low: 5 } });
    });

    await endItems(service.sql, old.jobs);
    expect(await countBatches(db)).toMatchObject({ batches: 1, items: 100 });
  });
});

describe('the figures of what is sent', () => {
  it('count what is ready, being sent and waiting, and how old the oldest is of any tenant, host and kind', async () => {
    const [user] = await service.sql<{ id: string }[]>`select id from pdfprompt_user where email = 'ann@example.com'`;
    const add = (rows: {
      status: string;
      kind?: string;
      host?: string;
      userId?: string;
      minutes?: number;
      count?: number;
    }) =>
      service.sql`insert into pdfprompt_delivery (id, user_id, kind, url, host, event, status, ready_at, due_at, claimed_until)
        select gen_random_uuid(), ${rows.userId ?? user?.id ?? ''}, ${rows.kind ?? 'webhook'}, 'https://a.example', ${rows.host ?? 'a.example'},
          'job.completed', ${rows.status}, now() - ${rows.minutes ?? 1} * interval '1 minute', now() + interval '1 hour', now() + interval '1 hour'
        from generate_series(1, ${rows.count ?? 1})`;
    expect(await countDeliveries(db)).toEqual({ ready: 0, sending: 0, waiting: 0, oldestReadySeconds: 0 });
    await add({ status: 'ready', count: 30, minutes: 2 });
    await add({ status: 'ready', host: 'b.example', minutes: 4 });
    await add({ status: 'ready', userId: '00000000-0000-4000-8000-000000000000', host: 'c.example', minutes: 3 });
    await add({ status: 'waiting', count: 5, minutes: 99 });
    await add({ status: 'sending', count: 7, minutes: 99 });
    for (const status of ['awaiting', 'delivered', 'failed', 'cancelled']) await add({ status, minutes: 99 });
    const figures = await countDeliveries(db);
    expect(figures).toEqual({ ready: 32, sending: 7, waiting: 5, oldestReadySeconds: expect.any(Number) as number });
    expect(figures.oldestReadySeconds / 60).toBeCloseTo(4, 0);
    await add({ status: 'ready', kind: 'upload', minutes: 9 });
    expect((await countDeliveries(db)).oldestReadySeconds / 60).toBeCloseTo(9, 0);
    const watch = await startWatch();
    const isExported = async () => {
      await service.sql`update pdfprompt_lease set expires_at = now()`;
      return watch.deliveries?.ready === 33;
    };
    await eventually(isExported, 30_000, 'they are exported');
  });
});
