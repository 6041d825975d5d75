import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Outcome, PdfBytes } from '../../src/domain/outcome.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { FileStore } from '../../src/storage/file-store.ts';
import { PostgresStore } from '../../src/storage/postgres-store.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { db, queue } = service.base;
const directory = await temporaryDirectory('store');
const retentionMs = 60_000;
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000a';
await service.sql`insert into pdfprompt_worker (id, host, pid, concurrency) values (${workerId}, 'test', 1, 1)`;
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
    await service.sql`select j.status, j.attempts, j.html, q.state from pdfprompt_job j join pgboss.job q on q.id = j.id where j.id = ${id}`
  )[0];

describe.each([
  ['postgres', new PostgresStore()],
  ['a directory', new FileStore(directory)],
])('a finish with PDFs in %s', (_, store) => {
  const deps = { db, queue, store, retentionMs };
  const stored = async () =>
    store.kind === 'file'
      ? (await readdir(directory, { recursive: true })).filter((name) => name.includes('.pdf')).length
      : Number((await service.sql`select count(*) from pdfprompt_file_chunk`)[0]?.count);

  it('writes job, file and queue together, and the bytes can be read', async () => {
    const job = await claimed();
    expect(await finishJob(deps, job, done)).toBe('completed');
    expect(await rowOf(job.id)).toMatchObject({ status: 'completed', attempts: 1, html: null, state: 'completed' });
    const [file] = await service.sql<{ id: string }[]>`select id from pdfprompt_file where job_id = ${job.id}`;
    const which = { userId: job.userId, fileId: file?.id ?? '', size: bytes.byteLength };
    const read: Uint8Array[] = [];
    for await (const chunk of store.open(db, which)) read.push(chunk);
    expect(Buffer.concat(read).equals(Buffer.from(bytes))).toBe(true);
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
    expect(await rowOf(job.id)).toMatchObject({ status: 'processing', html: '<p>x</p>', state: 'active' });
    expect(await stored()).toBe(before);
    const [usage] =
      await service.sql`select coalesce(sum(completed), 0)::int as charged, (select count(*)::int from pdfprompt_file) as files from pdfprompt_usage_history`;
    expect(usage?.charged).toBe(usage?.files);
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
    const which = { userId: job.userId, fileId: job.fileId };
    const read = async (size: number) => {
      let sent = 0;
      for await (const piece of store.open(db, { ...which, size })) sent += piece.byteLength;
      return sent;
    };
    expect(await read(bytes.length)).toBe(bytes.length);
    await expect(read(bytes.length + difference)).rejects.toMatchObject({ name: 'PdfDamaged' });
  });

  it('is done once: tried again because the answer was lost, it finds itself done', async () => {
    const job = await claimed();
    const before = await stored();
    await finishJob(deps, job, done);
    expect(await finishJob(deps, job, done)).toBe('completed');
    expect(await stored()).toBe(before + 1);
    const [usage] =
      await service.sql`select sum(completed)::int as charged, (select count(*)::int from pdfprompt_file) as files from pdfprompt_usage_history`;
    expect(usage?.charged).toBe(usage?.files);
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

  it('of a cancelled job writes nothing', async () => {
    const job = await claimed();
    await service.request(`/v1/jobs/${job.id}`, { method: 'DELETE' });
    expect(await finishJob(deps, job, done)).toBe('stale');
    expect(await rowOf(job.id)).toMatchObject({ status: 'cancelled', state: 'cancelled' });
  });
});

describe('a job that did not get its PDF', () => {
  const deps = { db, queue, store: new PostgresStore(), retentionMs };

  it('fails at once when the document is at fault', async () => {
    const job = await claimed();
    expect(await finishJob(deps, job, { kind: 'reject', code: 'document_status', message: 'answered 404' })).toBe(
      'failed',
    );
    expect(await rowOf(job.id)).toMatchObject({ status: 'failed', html: '<p>x</p>', state: 'completed' });
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
    expect(await rowOf(job.id)).toMatchObject({ status: 'queued', attempts: 1, html: '<p>x</p>', state: 'retry' });
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
