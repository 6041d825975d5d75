import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { Batch, BatchItem } from '../../src/domain/batch.ts';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { cancelBatch, finishCancelling } from '../../src/batches/cancel-batch.ts';
import { repairBatches } from '../../src/batches/repair-batches.ts';
import { principalOf } from '../support/accounts.ts';
import { countsOf, endItems, makeBatch } from '../support/batches.ts';
import { isWaitingForLock } from '../support/lock-waits.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { sql, request } = service;
const { db, queue, events, stores } = service.base;
const newUser = async () => {
  const key = await service.newKey(`${uuidv7()}@example.com`);
  return { key, userId: (await principalOf(db, key)).userId };
};
const { userId, key } = await newUser();
interface Page {
  items: BatchItem[];
  next: number | null;
}
const read = async (path: string, init: Parameters<typeof request>[1] = {}): Promise<unknown> =>
  (await request(path, { key, ...init })).json();
const batchOf = async (id: string) => (await read(`/v1/batches/${id}`)) as Batch;
const jobOf = async (id: string | null | undefined) => (await read(`/v1/jobs/${id}`)) as Job;
const itemsOf = async (id: string, query: string) => (await read(`/v1/batches/${id}/items${query}`)) as Page;
const cancelled = async (id: string) => (await read(`/v1/batches/${id}`, { method: 'DELETE' })) as Batch;

describe('a batch', () => {
  it('is shown with how far it is, and its items by row', async () => {
    const items = [{ filename: 'a.pdf', metadata: { n: 1 } }, {}, {}, {}];
    const { id, jobs } = await makeBatch(sql, { userId, items, filename: 'all', metadata: { month: 'May' } });
    expect(await batchOf(id)).toEqual({
      id,
      status: 'processing',
      result: 'files',
      items: { total: 4, open: 4, completed: 0, failed: 0, cancelled: 0, skipped: 0 },
      skippedRows: [],
      filename: 'all',
      metadata: { month: 'May' },
      templates: [],
      error: null,
      job: null,
      createdAt: expect.any(String),
      completedAt: null,
    });
    await endItems(sql, jobs.slice(1, 2), 'failed');
    const page = await itemsOf(id, '?limit=2');
    expect(page).toEqual({
      items: [
        { row: 1, job: jobs[0], status: 'queued', filename: 'a.pdf', metadata: { n: 1 }, error: null, file: null, files: 0, completedAt: null },
        { row: 2, job: jobs[1], status: 'failed', filename: null, metadata: {}, error: { code: 'print_failed', message: 'it could not be printed' }, file: null, files: 0, completedAt: expect.any(String) },
      ],
      next: 2,
    }); // prettier-ignore
    await endItems(sql, jobs, 'failed');
    expect(await batchOf(id)).toMatchObject({
      status: 'failed',
      error: { code: 'job_failed', message: 'no item of the batch is completed' },
    });
    const item = await jobOf(jobs[2]);
    expect(item.batch).toEqual({ id, row: 3 });
  });

  it('lists its items complete, page by page, while they end', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 50 });
    const rows: number[] = [];
    for (let after: number | null = 0, index = 0; after !== null; index++) {
      const page: Page = await itemsOf(id, `?limit=7&after=${after}`);
      rows.push(...page.items.map(({ row }) => row));
      await endItems(sql, jobs.slice(index * 9, index * 9 + 9), index % 2 === 0 ? 'completed' : 'failed');
      after = page.next;
    }
    expect(rows).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    const failed = (await itemsOf(id, '?status=failed')).items;
    expect(failed.map(({ row }) => row)).toEqual([...Array(50).keys()].map((n) => n + 1).filter((n) => Math.floor((n - 1) / 9) % 2 === 1)); // prettier-ignore
  });

  it('is listed newest first, by status and page', async () => {
    const own = await newUser();
    const made = [];
    for (let count = 0; count < 5; count++) made.push((await makeBatch(sql, { userId: own.userId, items: 1 })).id);
    const ask = async (query: string) =>
      (await read(`/v1/batches${query}`, { key: own.key })) as { data: Batch[]; nextCursor: string | null };
    const first = await ask('?limit=3');
    expect(first.data.map(({ id }) => id)).toEqual(made.toReversed().slice(0, 3));
    const second = await ask(`?limit=3&cursor=${first.nextCursor}`);
    expect(second.data.map(({ id }) => id)).toEqual(made.toReversed().slice(3));
    expect(second.nextCursor).toBeNull();
    await request(`/v1/batches/${made[2]}`, { method: 'DELETE', key: own.key });
    expect((await ask('?status=cancelled')).data.map(({ id }) => id)).toEqual([made[2]]);
  });
});

describe('a batch that is cancelled', () => {
  it('is over with all its items, and what was completed stays', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 1_203 });
    await endItems(sql, jobs.slice(0, 3));
    await cancelled(id);
    await finishCancelling({ db, queue, events }); // if the request's time was not enough
    const body = await batchOf(id);
    expect(body).toMatchObject({
      status: 'cancelled',
      items: { total: 1_203, open: 0, completed: 3, failed: 0, cancelled: 1_200 },
      completedAt: expect.any(String),
    });
    const [left] = await sql`
      select count(*)::int as queued from pgboss.job where state < 'completed'
      and id in (select id from pdfprompt_job where batch_id = ${id} and status = 'cancelled')`;
    expect(left).toEqual({ queued: 0 });
    expect(await cancelled(id)).toEqual(body);
  });

  it('has no item that starts, though it is still in the queue', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 3 });
    await sql`update pdfprompt_batch set status = 'cancelled' where id = ${id}`;
    const workerId = uuidv7();
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
    const claimed = await claimJobs({ db, queue, events }, { workerId, count: 100 });
    expect(claimed.filter((job) => jobs.includes(job.id))).toEqual([]);
    expect(await countsOf(sql, id)).toMatchObject({ open: 3, cancelled: 0 });
    await finishCancelling({ db, queue, events });
    expect(await countsOf(sql, id)).toMatchObject({ open: 0, cancelled: 3 });
  });

  it('has its merging cancelled too', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 2, result: 'merged' });
    await endItems(sql, jobs);
    const { job, status } = await batchOf(id);
    expect(status).toBe('closing');
    expect((await jobOf(job)).batch).toEqual({ id, row: null });
    const body = await cancelled(id);
    expect(body).toMatchObject({ status: 'cancelled', completedAt: expect.any(String) });
    expect((await jobOf(job)).status).toBe('cancelled');
  });

  it('stays as it is if it has ended', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 2 });
    await endItems(sql, jobs);
    expect((await cancelled(id)).status).toBe('completed');
  });

  it('is gone on with by a worker if the process that began has died', async () => {
    const { id } = await makeBatch(sql, { userId, items: 20 });
    await sql`update pdfprompt_batch set status = 'cancelled' where id = ${id}`;
    expect(await finishCancelling({ db, queue, events })).toBe(1);
    expect(await batchOf(id)).toMatchObject({ status: 'cancelled', items: { open: 0, cancelled: 20 }, completedAt: expect.any(String) }); // prettier-ignore
    expect(await finishCancelling({ db, queue, events })).toBe(0);
  });

  it('is not cancelled on after it has ended and been retried', async () => {
    const { id } = await makeBatch(sql, { userId, items: 4 });
    const held = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const retrying = sql.begin(async (tx) => {
      await tx`select from pdfprompt_batch_count where batch_id = ${id} for update`;
      held.resolve();
      await release.promise;
      await tx`update pdfprompt_batch set status = 'processing' where id = ${id}`;
    });
    await held.promise;
    const cancelling = cancelBatch({ db, queue, events }, { userId, batchId: id });
    const isWaiting = () => isWaitingForLock(sql, { query: '%pdfprompt_batch_count%' });
    await eventually(isWaiting, 30_000, 'the cancellation waits for the counts');
    release.resolve();
    await retrying;
    await cancelling;
    expect(await countsOf(sql, id)).toMatchObject({ open: 4, cancelled: 0 });
  });

  it('waits for no item that somebody holds', async () => {
    const { id, jobs } = await makeBatch(sql, { userId, items: 10 });
    const release = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holding = sql.begin(async (tx) => {
      await tx`select from pdfprompt_job where id = ${jobs[4] ?? ''} for update`;
      held.resolve();
      await release.promise;
    });
    await held.promise;
    await cancelBatch({ db, queue, events }, { userId, batchId: id }, { withinMs: 200 });
    expect(await countsOf(sql, id)).toMatchObject({ open: 1, cancelled: 9 });
    release.resolve();
    await holding;
    await finishCancelling({ db, queue, events });
    expect(await countsOf(sql, id)).toMatchObject({ open: 0, cancelled: 10 });
  });
});

it('a batch whose end was lost is ended, and merged again if its last job was', async () => {
  const errors: object[] = [];
  const log = { bulk: { batchRepaired: (batch: object) => void errors.push(batch) } };
  const { id, jobs } = await makeBatch(sql, { userId, items: 2 });
  const merged = await makeBatch(sql, { userId, items: 2, result: 'merged' });
  await endItems(sql, [jobs[0] ?? '', ...merged.jobs]);
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`update pdfprompt_job set status = 'completed', completed_at = now() where id = ${jobs[1] ?? ''}`;
    await tx`update pdfprompt_batch_count set open = 0 where batch_id = ${id}`;
    await tx`delete from pdfprompt_job where batch_id = ${merged.id} and batch_row is null`;
  });
  await repairBatches({ db, events: log });
  expect((await batchOf(id)).status).toBe('completed');
  expect(await batchOf(merged.id)).toMatchObject({ status: 'closing', job: expect.any(String) });
  expect(errors).toHaveLength(2);
  await repairBatches({ db, events: log });
  expect(errors).toHaveLength(2);
});

describe('items that end in every way at once', () => {
  const workerId = uuidv7();
  it('are counted exactly, and the batch ends once', async () => {
    await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
    const own = await newUser();
    const ends: string[] = [];
    await sql.listen('pdfprompt_jobs', (payload) => {
      const { batch } = JSON.parse(payload) as { batch?: string };
      if (batch !== undefined) ends.push(batch);
    });
    const made: string[] = [];
    for (let seed = 0; seed < 25; seed++) {
      const random = (below: number) => randomBytes(4).readUInt32LE() % below;
      const result = seed % 2 === 0 ? 'files' : 'merged';
      const { id, jobs } = await makeBatch(sql, { userId: own.userId, items: 40, result });
      made.push(id);
      const work = async () => {
        for (let idle = 0; idle < 5;) {
          const claimed = await claimJobs({ db, queue, events }, { workerId, count: 1 + random(4) });
          idle = claimed.length === 0 ? idle + 1 : 0;
          await Promise.all(claimed.map(finish));
          await sleep(random(3));
        }
      };
      const finish = (job: ClaimedJob) =>
        finishJob(
          { db, queue, stores, retentionMs: 60_000 },
          job,
          random(3) === 0
            ? { kind: 'reject', code: 'print_failed', message: 'it was' }
            : doneWith(Buffer.from('%PDF-1.7')),
        );
      const cancelOne = async () => {
        for (let count = 0; count < 8; count++)
          await request(`/v1/jobs/${jobs[random(40)]}`, { method: 'DELETE', key: own.key });
      };
      const cancelAll = async () => {
        await sleep(random(60));
        if (seed % 3 !== 2)
          await Promise.all([0, 1].map(() => cancelBatch({ db, queue, events }, { userId: own.userId, batchId: id })));
      };
      await Promise.all([work(), work(), cancelOne(), cancelAll()]);
      await work(); // the job that merges
      const [batch] = await sql`select status, completed_at is not null as ended from pdfprompt_batch where id = ${id}`;
      const [real] = await sql`
        select count(*) filter (where status in ('queued', 'processing'))::int as open,
          count(*) filter (where status = 'completed')::int as completed,
          count(*) filter (where status = 'failed')::int as failed,
          count(*) filter (where status = 'cancelled')::int as cancelled
        from pdfprompt_job where batch_id = ${id} and batch_row is not null`;
      expect({ ...(await countsOf(sql, id)) }).toEqual({ ...real });
      expect(real).toMatchObject({ open: 0 });
      expect(batch).toMatchObject({ ended: true });
      const [closing] =
        await sql`select count(*)::int as jobs, count(*) filter (where status in ('queued', 'processing'))::int as open
        from pdfprompt_job where batch_id = ${id} and batch_row is null`;
      expect(closing).toMatchObject({ open: 0 });
      expect(Number(closing?.jobs)).toBeLessThanOrEqual(1);
    }
    // What was notified before this has arrived before it.
    const last = Promise.withResolvers<void>();
    await sql.listen('pdfprompt_jobs', (payload) => void (payload === '{"batch":"last"}' && last.resolve()));
    await sql.notify('pdfprompt_jobs', '{"batch":"last"}');
    await last.promise;
    expect(ends.filter((id) => made.includes(id))).toEqual(made);
  }, 120_000);
});
