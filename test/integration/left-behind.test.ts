import { existsSync } from 'node:fs';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { earlierFileIds, fileIdOf } from '../../src/jobs/file-id.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { requeueLostJobs } from '../../src/jobs/lost-jobs.ts';
import { sweepFiles } from '../../src/jobs/sweep-files.ts';
import { FileStore, PARTS } from '../../src/storage/file-store.ts';
import { Maintenance } from '../../src/worker/maintenance.ts';
import { temporaryDirectory } from '../support/files.ts';
import type { PdfBytes } from '../../src/domain/outcome.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const directory = await temporaryDirectory('left');
const service = await startService({ env: { PDF_STORE: `file://${directory}` } });
const { base, sql, request } = service;
const { db, queue } = base;
const store = new FileStore(directory);
const retentionMs = 3_600_000;
const done = doneWith(new TextEncoder().encode('%PDF-1.7'));
const [pdf] = done.files as [PdfBytes];
const NONE = undefined as never; // a directory has no use for a transaction
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000d';
await sql`insert into pdfprompt_worker (id, host, pid, concurrency) values (${workerId}, 'test', 1, 1)`;

async function submit(): Promise<string> {
  const response = await request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
  return ((await response.json()) as Job).id;
}

async function claim(): Promise<ClaimedJob> {
  const [job] = await claimJobs(base, { workerId, count: 1 });
  if (!job) throw new Error('nothing to claim');
  return job;
}

const pathOf = (fileId: string) => join(directory, fileId.slice(-2), `${fileId}.pdf`);
const pdfs = async () => (await readdir(directory, { recursive: true })).filter((name) => name.includes('.pdf'));

/** As a worker that dies between the bytes and the commit leaves it. */
async function dieBeforeCommit(job: ClaimedJob): Promise<void> {
  await store.save(NONE, job.fileId, pdf);
  await db.transaction(async (tx) => requeueLostJobs(tx, queue, workerId));
}

describe("a file's id", () => {
  it('is another for each run of each job, and identifies its job', () => {
    const jobs = Array.from({ length: 20 }, () => uuidv7());
    const ids = jobs.flatMap((job) => Array.from({ length: 255 }, (_, index) => fileIdOf(job, index + 1)));
    expect(new Set([...ids, ...jobs]).size).toBe(20 * 256);
    expect(earlierFileIds(jobs[0] ?? '', 4).toSorted()).toEqual(
      [1, 2, 3].map((run) => fileIdOf(jobs[0] ?? '', run)).toSorted(),
    );
    expect(earlierFileIds(jobs[0] ?? '', 1)).toEqual([]);
    expect(earlierFileIds(jobs[0] ?? '', 1_000)).toHaveLength(255);
    expect(earlierFileIds(jobs[0] ?? '', 1_000)).not.toContain(fileIdOf(jobs[0] ?? '', 1_000));
  });
});

describe('a job whose worker died between the bytes and the commit', () => {
  it.each([1, 2])('has one PDF once it is completed: %i times', async (times) => {
    const before = (await pdfs()).length;
    const id = await submit();
    for (let time = 0; time < times; time++) await dieBeforeCommit(await claim());
    expect(await pdfs()).toHaveLength(before + times);
    expect(await finishJob({ ...base, retentionMs }, await claim(), done)).toBe('completed');
    expect(await pdfs()).toHaveLength(before + 1);
    expect((await request(`/v1/jobs/${id}/pdf`)).status).toBe(200);
  });
});

describe('a sweep of the directory', () => {
  const completed = async () => {
    await submit();
    const job = await claim();
    await finishJob({ ...base, retentionMs }, job, done);
    return job.fileId;
  };
  const ofRun = async (end: (id: string) => Promise<unknown>) => {
    const id = await submit();
    const job = await claim();
    await dieBeforeCommit(job);
    await end(id);
    return job.fileId;
  };
  const cancelled = () => ofRun((id) => request(`/v1/jobs/${id}`, { method: 'DELETE' }));
  const failed = () =>
    ofRun(async () =>
      finishJob({ ...base, retentionMs }, await claim(), { kind: 'reject', code: 'print_failed', message: 'x' }),
    );
  const expired = async () => {
    const fileId = await completed();
    await sql`update pdfprompt_file set expires_at = now() - interval '2 days', expired_at = now() where id = ${fileId}`;
    return fileId;
  };
  const foreign = async () => {
    const id = uuidv7();
    await store.save(NONE, id, pdf);
    return id;
  };
  const written = async (path: string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'x');
    return path;
  };
  const HOURS = 3_600;

  it.each<{ what: string; make: () => Promise<string>; ageSeconds: number; isRemoved: boolean }>([
    { what: 'of a job that was cancelled', make: cancelled, ageSeconds: 2 * HOURS, isRemoved: true },
    { what: 'of a job that failed', make: failed, ageSeconds: 2 * HOURS, isRemoved: true },
    { what: 'that expired while nobody could reach it', make: expired, ageSeconds: 2 * HOURS, isRemoved: true },
    { what: 'that an attempt may still be at', make: cancelled, ageSeconds: 600, isRemoved: false },
    { what: 'that a row names', make: completed, ageSeconds: 1_000 * HOURS, isRemoved: false },
    { what: "that may be another database's", make: foreign, ageSeconds: 1_000 * HOURS, isRemoved: false },
    {
      what: 'that was never whole',
      make: () => written(`${pathOf(uuidv7())}.123.tmp`),
      ageSeconds: 2 * HOURS,
      isRemoved: true,
    },
    {
      what: 'that is being written',
      make: () => written(`${pathOf(uuidv7())}.123.tmp`),
      ageSeconds: 0,
      isRemoved: false,
    },
    {
      what: 'that is none of ours',
      make: () => written(join(directory, '07', 'notes.pdf')),
      ageSeconds: 2 * HOURS,
      isRemoved: false,
    },
  ])('of a PDF $what: $isRemoved', async ({ make, ageSeconds, isRemoved }) => {
    const made = await make();
    const path = made.startsWith('/') ? made : pathOf(made);
    const at = Date.now() / 1_000 - ageSeconds;
    await utimes(path, at, at);
    const others = (await pdfs()).length - 1;
    for (let part = 0; part < PARTS; part++) await sweepFiles({ db, store }, { part });
    expect(existsSync(path)).toBe(!isRemoved);
    expect(await pdfs()).toHaveLength(others + (isRemoved ? 0 : 1));
    await store.remove(NONE, [made]);
  });

  it('is done by workers, part by part, from their start on', async () => {
    // In every part, for a worker begins with any.
    for (let part = 0; part < PARTS; part++) {
      const path = await written(join(directory, part.toString(16).padStart(2, '0'), `${uuidv7()}.pdf.1.tmp`));
      await utimes(path, 1, 1);
    }
    const before = (await pdfs()).length;
    const maintenance = new Maintenance({ ...base, retentionMs });
    await maintenance.start();
    await eventually(async () => (await pdfs()).length === before - 1, 20_000, 'the first part is swept');
    await maintenance.stop();
  });
});
