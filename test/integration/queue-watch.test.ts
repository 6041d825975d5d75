import { afterEach, describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { QueueFigures } from '../../src/domain/queue-figures.ts';
import { QueueWatch, readQueueFigures } from '../../src/jobs/queue-watch.ts';
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
