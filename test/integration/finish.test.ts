import { openPool } from '../../src/db/pools.ts';
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Outcome, PdfBytes } from '../../src/domain/outcome.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { putFiles, ResultFiles } from '../../src/jobs/put-files.ts';
import { removeAbandonedPuts } from '../../src/jobs/unowned-files.ts';
import { Stores } from '../../src/storage/stores.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { db, queue } = service.base;
const directory = await temporaryDirectory('store');
const retentionMs = 60_000;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000a';
await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
const bytes = new TextEncoder().encode('%PDF-1.4 not really');
const done = doneWith(bytes);

async function claimed(): Promise<ClaimedJob> {
  await service.request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>x</p>' }) });
  const [job] = await claimJobs({ db, queue, events: service.base.events }, { workerId, count: 1 });
  if (!job) throw new Error('nothing to claim');
  return job;
}

const rowOf = async (id: string) =>
  (
    await service.sql`select j.status, j.attempts, p.content, q.state from pdfprompt_job j
      join pdfprompt_part p on p.job_id = j.id join pgboss.job q on q.id = j.id where j.id = ${id}`
  )[0];

describe.each([
  ['postgres', new Stores({ pdfStore: { kind: 'postgres' } })],
  ['a directory', new Stores({ pdfStore: { kind: 'file', directory } })],
])('a finish with PDFs in %s', async (_, stores) => {
  const deps = { db, queue, stores, retentionMs };
  const store = stores.current;
  await store.check();
  const stored = async () =>
    store.kind === 'file'
      ? (await readdir(directory, { recursive: true })).filter((name) => name.includes('.pdf')).length
      : Number((await service.sql`select count(*) from pdfprompt_file_chunk`)[0]?.count);

  const unowned = () => service.sql`select job_id, run from pdfprompt_unowned_file where job_id is not null`;
  const filesOf = (id: string) =>
    service.sql<{ id: string; position: number; pages: number }[]>`
      select id, position, pages from pdfprompt_file where job_id = ${id} order by position`;
  const readFile = async (job: ClaimedJob, fileId: string, size: number) => {
    const read: Uint8Array[] = [];
    for await (const chunk of store.open(db, { userId: job.userId, fileId, size })) read.push(chunk);
    return Buffer.concat(read).toString();
  };

  it('writes job, file and queue together, and the bytes can be read', async () => {
    const job = await claimed();
    expect(await finishJob(deps, job, done)).toBe('completed');
    expect(await rowOf(job.id)).toMatchObject({ status: 'completed', attempts: 1, content: null, state: 'completed' });
    const [file] = await filesOf(job.id);
    expect(await readFile(job, file?.id ?? '', bytes.byteLength)).toBe(new TextDecoder().decode(bytes));
    expect([...(await unowned())]).toEqual([]);
  });

  it('keeps several files in their order, and charges for all', async () => {
    const charged = async () =>
      (
        await service.sql`
        select coalesce(sum(completed), 0)::int as completed, coalesce(sum(pages), 0)::int as pages,
          coalesce(sum(bytes), 0)::int as bytes from pdfprompt_usage_history`
      )[0] as Record<string, number>;
    const before = await charged();
    const job = await claimed();
    const texts = ['%PDF-1', '%PDF-2 two', '%PDF-3 three'];
    const files = texts.flatMap((text, index) =>
      doneWith(new TextEncoder().encode(text)).files.map((pdf) => ({ ...pdf, pages: index + 1 })),
    );
    expect(await finishJob(deps, job, { ...done, files })).toBe('completed');
    const rows = await filesOf(job.id);
    expect(rows.map(({ position, pages }) => [position, pages])).toEqual([[0, 1], [1, 2], [2, 3]]); // prettier-ignore
    for (const [index, { id }] of rows.entries())
      expect(await readFile(job, id, texts[index]?.length ?? 0)).toBe(texts[index]);
    const now = await charged();
    const difference = Object.keys(now).map((name) => (now[name] ?? 0) - (before[name] ?? 0));
    expect(difference).toEqual([1, 6, texts.join('').length]);
    expect([...(await unowned())]).toEqual([]);
  });

  it('is not put again when only the database was away', async () => {
    const job = await claimed();
    const result = new ResultFiles(done);
    expect(await putFiles(deps, job, result)).toBe(true);
    const [id] = result.files.map((file) => file.id);
    const before = await stored();
    expect(await finishJob(deps, job, done, { result })).toBe('completed');
    expect((await filesOf(job.id)).map((file) => file.id)).toEqual([id]);
    expect(await stored()).toBe(store.isInDatabase ? before + 1 : before);
  });

  it('is refused, and the job is still ours, if what is there is not what was rendered', async () => {
    const job = await claimed();
    const before = await stored();
    const [pdf] = done.files as [PdfBytes];
    const wrong: Outcome[] = [
      { ...done, files: [{ ...pdf, sha256: '00'.repeat(32) }] },
      { ...done, files: [{ ...pdf, size: bytes.length + 1 }] },
      { ...done, files: [{ ...pdf, chunks: [bytes.subarray(1)] }] },
    ];
    for (const outcome of wrong)
      await expect(finishJob(deps, job, outcome)).rejects.toMatchObject({ name: 'StoreFailure', reason: 'altered' });
    expect(await rowOf(job.id)).toMatchObject({ status: 'processing', content: '<p>x</p>', state: 'active' });
    expect(await stored()).toBe(before);
    expect(await finishJob(deps, job, { kind: 'interrupted', reason: 'store' })).toBe('queued');
    expect(await rowOf(job.id)).toMatchObject({ status: 'queued', attempts: 0 });
    await finishJob(deps, await claimed(), done);
  });

  it('is probed with as many bytes as a PDF has, and keeps none of them', async () => {
    const before = await stored();
    for (const size of [1, 8_192, 3_000_001]) await store.probe(db, size);
    expect(await stored()).toBe(before);
    if (store.kind === 'file')
      expect((await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['fewer', 1],
    ['more', -1],
  ])('is sent to the last byte or not at all: %s bytes than its row says', async (_name, difference) => {
    const job = await claimed();
    await finishJob(deps, job, done);
    const [file] = await filesOf(job.id);
    const read = (size: number) => readFile(job, file?.id ?? '', size);
    expect(await read(bytes.length)).toHaveLength(bytes.length);
    await expect(read(bytes.length + difference)).rejects.toMatchObject({ name: 'PdfDamaged' });
  });

  it('is done once: tried again because the answer was lost, it finds itself done', async () => {
    const job = await claimed();
    const before = await stored();
    await finishJob(deps, job, done);
    expect(await finishJob(deps, job, done)).toBe('completed');
    expect(await stored()).toBe(before + 1);
    expect([...(await unowned())]).toEqual([]);
    const [usage] = await service.sql`select sum(completed)::int as charged,
      (select count(*)::int from pdfprompt_job where status = 'completed') as completed from pdfprompt_usage_history`;
    expect(usage?.charged).toBe(usage?.completed);
    expect(await finishJob(deps, job, { kind: 'reject', code: 'print_failed', message: 'x' })).toBe('stale');
  });

  it('of an attempt that a newer claim has replaced writes nothing', async () => {
    const job = await claimed();
    const before = await stored();
    await service.sql`update pdfprompt_job set runs = runs + 1 where id = ${job.id}`;
    expect(await finishJob(deps, job, done)).toBe('stale');
    expect(await finishJob(deps, job, { kind: 'reject', code: 'print_failed', message: 'x' })).toBe('stale');
    expect(await rowOf(job.id)).toMatchObject({ status: 'processing', attempts: 1 });
    expect(await stored()).toBe(before);
    await finishJob(deps, { ...job, run: 2 }, done);
  });

  it('of an attempt whose place in the queue was claimed anew writes nothing', async () => {
    const job = await claimed();
    const before = await stored();
    const move = (by: number) =>
      service.sql`update pgboss.job set retry_count = retry_count + ${by} where id = ${job.id}`;
    await move(1);
    expect(await finishJob(deps, job, done)).toBe('stale');
    expect(await rowOf(job.id)).toMatchObject({ status: 'processing', content: '<p>x</p>', state: 'active' });
    expect(await filesOf(job.id)).toHaveLength(0);
    expect(await stored()).toBe(before);
    await move(-1);
    expect(await finishJob(deps, job, done)).toBe('completed');
  });

  it('of a cancelled job writes nothing', async () => {
    const job = await claimed();
    await service.request(`/v1/jobs/${job.id}`, { method: 'DELETE' });
    expect(await finishJob(deps, job, done)).toBe('stale');
    expect(await rowOf(job.id)).toMatchObject({ status: 'cancelled', state: 'cancelled' });
  });
});

describe('bytes outside the database', async () => {
  const stores = new Stores({ pdfStore: { kind: 'file', directory: await temporaryDirectory('outside') } });
  await stores.current.check();
  const deps = { db, queue, stores, retentionMs };
  const isStored = async (job: ClaimedJob, fileId: string) => {
    try {
      for await (const _ of stores.current.open(db, { userId: job.userId, fileId, size: bytes.length })) return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'file_expired' });
    }
    return false;
  };
  const idOf = async ({ id }: ClaimedJob) =>
    (await service.sql<{ id: string }[]>`select id from pdfprompt_file where job_id = ${id}`)[0]?.id ?? '';

  it('are left alone as long as the run can name them', async () => {
    const job = await claimed();
    const result = new ResultFiles(done);
    await putFiles(deps, job, result);
    expect(await removeAbandonedPuts(deps)).toBe(0);
    expect(await finishJob(deps, job, done, { result })).toBe('completed');
    expect(await isStored(job, await idOf(job))).toBe(true);
  });

  it('that were taken for abandoned are not named: they are put again', async () => {
    const job = await claimed();
    const result = new ResultFiles(done);
    await putFiles(deps, job, result);
    await service.sql`update pdfprompt_job set runs = runs + 1 where id = ${job.id}`;
    expect(await removeAbandonedPuts(deps)).toBe(1);
    await service.sql`update pdfprompt_job set runs = runs - 1 where id = ${job.id}`;
    const [before] = result.files.map(({ id }) => id);
    expect(await isStored(job, before ?? '')).toBe(false);
    expect(await finishJob(deps, job, done, { result })).toBe('completed');
    expect(await idOf(job)).not.toBe(before);
    expect(await isStored(job, await idOf(job))).toBe(true);
  });

  it('of a result that came too late are removed with it', async () => {
    const job = await claimed();
    const result = new ResultFiles(done);
    await putFiles(deps, job, result);
    await service.request(`/v1/jobs/${job.id}`, { method: 'DELETE' });
    expect(await finishJob(deps, job, done, { result })).toBe('stale');
    expect(await isStored(job, result.files[0]?.id ?? '')).toBe(false);
    // They are removed once more later: a store may still be busy with a put that was given up.
    const [row] = await service.sql`
      select job_id, remove_after > now() as "isLater" from pdfprompt_unowned_file where id = ${result.files[0]?.id ?? ''}`;
    expect(row).toEqual({ job_id: null, isLater: true });
  });

  it('are there for every row, and for no other run, whatever ends the runs meanwhile', async () => {
    const jobs: ClaimedJob[] = [];
    for (let count = 0; count < 40; count++) jobs.push(await claimed());
    let isOver = false;
    const sweeping = async () => {
      while (!isOver) await removeAbandonedPuts(deps);
    };
    const sweeps = [sweeping(), sweeping()];
    const finishes = await Promise.all(
      jobs.map(async (job, index) => {
        const cancelled = index % 3 === 0 && service.request(`/v1/jobs/${job.id}`, { method: 'DELETE' });
        const finish = await finishJob(deps, job, done);
        await cancelled;
        return finish;
      }),
    );
    isOver = true;
    await Promise.all(sweeps);
    expect(new Set(finishes)).toContain('completed');
    for (const [index, job] of jobs.entries())
      expect(await isStored(job, await idOf(job))).toBe(finishes[index] === 'completed');
    await removeAbandonedPuts(deps);
    const named = await service.sql`select 1 from pdfprompt_file where location = ${stores.current.location}`;
    const there = (await readdir(new URL(stores.current.location ?? ''), { recursive: true })).filter((name) =>
      name.endsWith('.pdf'),
    );
    expect(there).toHaveLength(named.length);
  });
});

describe('round trips', () => {
  it('are one for a claim and one for the finish of a small result', async () => {
    await service.request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>x</p>' }) });
    let statements = 0;
    const timeouts = { idleTimeoutMs: 60_000, connectTimeoutMs: 5_000 };
    const pool = openPool({
      url: service.url,
      max: 1,
      applicationName: 'finish test',
      prepare: true,
      ...timeouts,
      onStatement: () => statements++,
    });
    const deps = { db: pool.db, queue, stores: new Stores({ pdfStore: { kind: 'postgres' } }), retentionMs };
    const jobs = await claimJobs({ ...deps, events: service.base.events }, { workerId, count: 1 });
    for (const job of jobs) expect(await finishJob(deps, job, done)).toBe('completed');
    await pool.close();
    expect({ jobs: jobs.length, statements }).toEqual({ jobs: 1, statements: 2 });
  });
});

describe('a job that did not get its PDF', () => {
  const deps = { db, queue, stores: new Stores({ pdfStore: { kind: 'postgres' } }), retentionMs };

  it('fails at once when the document is at fault', async () => {
    const job = await claimed();
    expect(await finishJob(deps, job, { kind: 'reject', code: 'document_status', message: 'answered 404' })).toBe(
      'failed',
    );
    expect(await rowOf(job.id)).toMatchObject({ status: 'failed', content: '<p>x</p>', state: 'completed' });
    expect(await service.sql`select 1 from pdfprompt_usage_history where day < '2000-01-01'`).toHaveLength(0);
  });

  it('goes back when we are at fault, and fails at the third attempt', async () => {
    const job = await claimed();
    const retry: Outcome = {
      kind: 'retry',
      code: 'browser_failed',
      message: 'the browser failed',
      cause: new Error('crash'),
    };
    expect(await finishJob(deps, job, retry)).toBe('queued');
    expect(await rowOf(job.id)).toMatchObject({ status: 'queued', attempts: 1, content: '<p>x</p>', state: 'retry' });
    for (const attempt of [2, 3]) {
      await service.sql`update pgboss.job set start_after = now() where id = ${job.id}`;
      const [again] = await claimJobs({ db, queue, events: service.base.events }, { workerId, count: 1 });
      expect(again).toMatchObject({ id: job.id, attempt });
      expect(await finishJob(deps, again as ClaimedJob, retry)).toBe(attempt === 3 ? 'failed' : 'queued');
    }
    expect(await rowOf(job.id)).toMatchObject({ status: 'failed', attempts: 3 });
  });

  it('goes back at once when the worker is stopped, and no attempt is counted', async () => {
    const job = await claimed();
    expect(await finishJob(deps, job, { kind: 'interrupted' })).toBe('queued');
    expect(await rowOf(job.id)).toMatchObject({ status: 'queued', attempts: 0 });
    const [again] = await claimJobs({ db, queue, events: service.base.events }, { workerId, count: 1 });
    expect(again).toMatchObject({ id: job.id, attempt: 1 });
    expect(await finishJob(deps, again as ClaimedJob, done)).toBe('completed');
  });
});
