import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it, onTestFinished } from 'vitest';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import { newSecret } from '../../src/deliveries/webhook-secret.ts';
import { type BatchEvent, batchEventSchema } from '../../src/domain/batch-event.ts';
import { BATCH_RESULTS } from '../../src/domain/batch.ts';
import { expire } from '../../src/jobs/expire.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { principalOf } from '../support/accounts.ts';
import { endItems, makeBatch } from '../support/batches.ts';
import { connect } from '../../src/db/driver.ts';
import { isWaitingForLock } from '../support/lock-waits.ts';
import { eventually } from '../support/processes.ts';
import { startReceiver } from '../support/receiver.ts';
import { reopenBatch } from '../support/reopen-batch.ts';
import { startService } from '../support/service.ts';

const receiver = await startReceiver();
/** Seconds: what fails is tried again after an hour. */
const service = await startService({ deliverer: { ladder: [3_600], webhookMs: 2_000 }, env: receiver.env });
const { sql, request, base } = service;
const { userId } = await principalOf(base.db, service.key);

interface Row {
  id: string;
  status: string;
  attempts: number;
  webhookId: string | null;
}
const rowsOf = (batchId: string) => sql<Row[]>`
  select id, status, attempts, webhook_id as "webhookId" from pdfprompt_delivery
  where batch_id = ${batchId} order by created_at, id`;
const becomes = (batchId: string, statuses: string[]) =>
  eventually(
    async () => (await rowsOf(batchId)).map(({ status }) => status).toSorted().join() === statuses.toSorted().join(),
    30_000,
    `its deliveries are ${statuses.join()}`,
  ); // prettier-ignore

let endpoints = 0;
async function addEndpoint(columns: { events?: string[]; off?: boolean; name?: string } = {}) {
  const [id, path] = [uuidv7(), `/endpoint/${endpoints++}`];
  await sql`insert into pdfprompt_webhook (id, user_id, url, events, secret, off_reason, off_since)
    values (${id}, ${userId}, ${receiver.url(columns.name ?? 'ok', path)}, ${arrayLiteral(columns.events ?? ['batch.completed'])}::text[],
      ${newSecret()}, ${columns.off ? 'asked' : null}, ${columns.off ? new Date() : null})`;
  onTestFinished(async () => void (await sql`update pdfprompt_webhook set deleted_at = now() where id = ${id}`));
  return { id, path: `/${columns.name ?? 'ok'}${path}` };
}
const eventsAt = async (path: string, count = 1) =>
  (await receiver.got(path, count)).map(({ headers, body }) => {
    const event = JSON.parse(body) as BatchEvent;
    return { id: headers['webhook-id'], event };
  });

const random = seededRandom(21);
const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;

describe('the end of a batch', () => {
  it.each(Array.from({ length: 12 }, (_, index) => index))(
    'is one message that says how its items ended, whoever ends the last: case %i',
    async (index) => {
      const { path } = await addEndpoint();
      const total = 1 + Math.floor(random() * 20);
      const result = pick(BATCH_RESULTS);
      const ends = Array.from({ length: total }, () => pick(['completed', 'failed', 'cancelled'] as const));
      const { id, jobs } = await makeBatch(sql, { userId, items: total, result, metadata: { index }, filename: 'all.pdf' }); // prettier-ignore
      // All at a time, over several connections.
      await Promise.all(jobs.map((job, at) => endItems(sql, [job], ends[at])));
      const of = (status: string) => ends.filter((each) => each === status).length;
      const isMerged = result === 'merged' && of('completed') > 0;
      if (isMerged) {
        expect(await rowsOf(id)).toHaveLength(0);
        const [closing] = await sql<{ id: string }[]>`
          select id from pdfprompt_job where batch_id = ${id} and batch_row is null`;
        await sql`insert into pdfprompt_file (id, job_id, user_id, store, size, pages, sha256, expires_at)
          values (gen_random_uuid(), ${closing?.id ?? ''}, ${userId}, 'postgres', 100, ${of('completed')}, sha256('x'), now())`;
        await endItems(sql, [closing?.id ?? '']);
      }
      const [got] = await eventsAt(path);
      await becomes(id, ['delivered']);
      expect(batchEventSchema.parse(got?.event)).toEqual(got?.event);
      const status = of('completed') > 0 ? 'completed' : 'failed';
      expect(got?.event.data).toMatchObject({
        id,
        status,
        url: `/v1/batches/${id}`,
        result,
        filename: 'all.pdf',
        metadata: { index },
        items: { total, completed: of('completed'), failed: of('failed'), cancelled: of('cancelled'), skipped: 0 },
        error: status === 'failed' ? { code: 'job_failed' } : null,
        file: isMerged ? { pages: of('completed'), size: 100 } : null,
      });
      expect(receiver.to(path)).toHaveLength(1);
      expect((await rowsOf(id)).map((row) => row.id)).toEqual([got?.id]);
    },
  );

  it('is of the transaction that commits last, and of no other', async () => {
    const { path } = await addEndpoint();
    const { id, jobs } = await makeBatch(sql, { userId, items: 2 });
    const others = [connect(service.url), connect(service.url)] as const;
    onTestFinished(async () => void (await Promise.all(others.map((each) => each.end()))));
    const [begun, waiting] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = others[0].begin(async (tx) => {
      await tx`update pdfprompt_job set status = 'completed', completed_at = now() where id = ${jobs[0] ?? ''}`;
      begun.resolve();
      await waiting.promise;
    });
    await begun.promise;
    const second = endItems(others[1], jobs.slice(1), 'failed');
    await eventually(() => isWaitingForLock(sql), 30_000, 'the second waits for the first');
    expect(await rowsOf(id)).toHaveLength(0);
    waiting.resolve();
    await Promise.all([first, second]);
    const [got] = await eventsAt(path);
    await becomes(id, ['delivered']);
    expect(got?.event.data.items).toMatchObject({ completed: 1, failed: 1 });
  });

  it('goes to the URL that its request names, to those that want it, and waits for replays of those that are off', async () => {
    const [wants, off] = [await addEndpoint(), await addEndpoint({ off: true })];
    await addEndpoint({ events: ['job.completed'] });
    const { id, jobs } = await makeBatch(sql, { userId, webhook: receiver.url('ok', '/of-the-request') });
    expect(await rowsOf(id)).toMatchObject([{ status: 'awaiting', attempts: 0 }]);
    await endItems(sql, jobs);
    await becomes(id, ['delivered', 'delivered', 'failed']);
    const [[own], [other]] = [await eventsAt('/ok/of-the-request'), await eventsAt(wants.path)];
    expect(own?.event).toEqual(other?.event);
    expect(own?.id).not.toBe(other?.id);
    expect((await rowsOf(id)).find(({ webhookId }) => webhookId === off.id)).toMatchObject({ status: 'failed' });

    await sql`update pdfprompt_webhook set off_since = null, off_reason = null where id = ${off.id}`;
    const since = JSON.stringify({ since: '2020-01-01T00:00:00Z' });
    const replayed = await request(`/v1/webhooks/${off.id}/replay`, { method: 'POST', body: since });
    expect(await replayed.json()).toEqual({ replayed: 1, more: false });
    const [late] = await eventsAt(off.path);
    expect(late?.event).toEqual(own?.event);
  });

  it.each(['a URL', 'an endpoint that wants nothing else'])(
    'goes once to %s that a request over HTTP names',
    async (what) => {
      const { id: webhookId, path } = await addEndpoint({ events: what === 'a URL' ? ['job.failed'] : [] });
      const webhook = what === 'a URL' ? `${receiver.origin}${path}` : webhookId;
      const body = JSON.stringify({ request: { webhook }, items: [{ html: '<p>1' }, { html: '<p>2' }] });
      const accepted = await request('/v1/batches', { method: 'POST', body });
      expect(accepted.status).toBe(202);
      const { id } = (await accepted.json()) as { id: string };
      const jobs = await sql<{ id: string }[]>`select id from pdfprompt_job where batch_id = ${id}`;
      await endItems(sql, jobs.map((job) => job.id)); // prettier-ignore
      const [got] = await eventsAt(path);
      await becomes(id, ['delivered']);
      expect(got?.event).toMatchObject({ type: 'batch.completed', data: { id, items: { total: 2, completed: 2 } } });
      expect(receiver.to(path)).toHaveLength(1);
    },
  );

  it('is shown with its attempts, beside those of jobs and tests, and sent again with the same id', async () => {
    const { id: webhookId, path } = await addEndpoint();
    const { id, jobs } = await makeBatch(sql, { userId, items: 1 });
    await endItems(sql, jobs);
    await eventsAt(path);
    await becomes(id, ['delivered']);
    await request(`/v1/webhooks/${webhookId}/test`, { method: 'POST' });
    await receiver.got(path, 2);
    const list = async (of: string) =>
      ((await (await request(`/v1/${of}/deliveries`)).json()) as { data: { id: string; tries: object[] }[] }).data;
    const [own] = await list(`batches/${id}`);
    expect(own).toMatchObject({ event: 'batch.completed', batchId: id, jobId: null, webhookId, status: 'delivered' });
    expect(own?.tries).toMatchObject([{ number: 1, status: 200, error: null, answer: 'thanks' }]);
    expect(await list(`webhooks/${webhookId}`)).toMatchObject([
      { jobId: null, batchId: null, event: 'webhook.test' },
      own,
    ]);
    const again = await request(`/v1/batches/${id}/deliveries/${own?.id}/replay`, { method: 'POST' });
    expect([again.status, await again.json()]).toMatchObject([202, { id: own?.id, batchId: id }]);
    const got = (await receiver.got(path, 3)).map(({ headers }) => headers['webhook-id']);
    expect(got[2]).toBe(own?.id);
    const ofJob = await request(`/v1/jobs/${jobs[0]}/deliveries/${own?.id}/replay`, { method: 'POST' });
    expect(ofJob.status).toBe(404);
  });

  it('is no test of an endpoint: it is not counted as one, and kept as long as the batch', async () => {
    const { id: webhookId } = await addEndpoint();
    for (let count = 0; count < 11; count++) await endItems(sql, (await makeBatch(sql, { userId, items: 1 })).jobs);
    expect((await request(`/v1/webhooks/${webhookId}/test`, { method: 'POST' })).status).toBe(202);
    await sql`update pdfprompt_delivery set created_at = now() - interval '40 days' where webhook_id = ${webhookId}`;
    await expire({ ...base, retentionMs: 600_000 });
    expect(await sql`select 1 from pdfprompt_delivery where webhook_id = ${webhookId} and batch_id is not null`).toHaveLength(11); // prettier-ignore
    expect(await sql`select 1 from pdfprompt_delivery where webhook_id = ${webhookId} and batch_id is null`).toHaveLength(0); // prettier-ignore
  });
});

describe('a batch that is open again', () => {
  it('is not reported until it ends again, which is another message; the earlier one is not sent any longer', async () => {
    const { path } = await addEndpoint({ name: 'fails' });
    const asked = '/ok/open-again';
    const { id, jobs } = await makeBatch(sql, { userId, items: 2, webhook: `${receiver.origin}${asked}` });
    await endItems(sql, jobs, 'failed');
    await becomes(id, ['delivered', 'waiting']);
    const [first] = await eventsAt(asked);
    expect(first?.event.data).toMatchObject({ status: 'failed', items: { failed: 2 } });

    const item = await reopenBatch(sql, id, jobs[0] ?? '');
    const replay = (delivery: string | undefined) =>
      request(`/v1/batches/${id}/deliveries/${delivery}/replay`, { method: 'POST' });
    const refused = await replay(first?.id);
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'delivery_not_replayable' }]);
    await sql`update pdfprompt_delivery set due_at = now() where batch_id = ${id} and status = 'waiting'`;
    await becomes(id, ['delivered', 'cancelled']);
    expect((await rowsOf(id)).find(({ status }) => status === 'cancelled')).toMatchObject({ attempts: 1 });
    expect(receiver.to(path)).toHaveLength(1);

    await endItems(sql, [item]);
    await becomes(id, ['delivered', 'cancelled', 'delivered', 'waiting']);
    const [, second] = await eventsAt(asked, 2);
    expect(second?.event.data).toMatchObject({ status: 'completed', items: { completed: 1, failed: 1 } });
    expect(second?.id).not.toBe(first?.id);
    expect((await replay(first?.id)).status).toBe(409);

    // Ends once more before what waits is sent: only the last end is.
    await endItems(sql, [await reopenBatch(sql, id, item)], 'failed');
    await becomes(id, ['delivered', 'cancelled', 'delivered', 'cancelled', 'delivered', 'waiting']);
    const sent = await eventsAt(path, 3);
    expect(sent.map(({ event }) => event.data.items.completed)).toEqual([0, 1, 0]);
    expect(new Set(sent.map((each) => each.id)).size).toBe(3);
  });
});
