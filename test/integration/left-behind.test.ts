import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { expire } from '../../src/jobs/expire.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { requeueLostJobs } from '../../src/jobs/lost-jobs.ts';
import { putFiles, ResultFiles } from '../../src/jobs/put-files.ts';
import { sweepFiles } from '../../src/jobs/sweep-files.ts';
import { locateFiles, removeAbandonedPuts, removeUnownedFiles } from '../../src/jobs/unowned-files.ts';
import { PARTS } from '../../src/storage/file-store.ts';
import { Stores } from '../../src/storage/stores.ts';
import { Maintenance } from '../../src/worker/maintenance.ts';
import { temporaryDirectory } from '../support/files.ts';
import { doneWith } from '../support/outcomes.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const directory = await temporaryDirectory('left');
const service = await startService({ env: { PDF_STORE: `file://${directory}` } });
const { base, sql, request } = service;
const { db, queue, stores } = base;
const inPostgres = { ...base, stores: new Stores({ pdfStore: { kind: 'postgres' } }) };
const retentionMs = 3_600_000;
const done = doneWith(new TextEncoder().encode('%PDF-1.7'));
const NONE = undefined as never; // a directory has no use for a database
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000d';
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

async function submit(): Promise<string> {
  const response = await request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
  return ((await response.json()) as Job).id;
}

async function claim(): Promise<ClaimedJob> {
  const [job] = await claimJobs(base, { workerId, count: 1 });
  if (!job) throw new Error('nothing to claim');
  return job;
}

/** @returns the id of its file */
async function completed(): Promise<string> {
  const id = await submit();
  await finishJob({ ...base, retentionMs }, await claim(), done);
  const [file] = await sql<{ id: string }[]>`select id from pdfprompt_file where job_id = ${id}`;
  return file?.id ?? '';
}

const pathOf = (fileId: string, at = directory) => join(at, fileId.slice(-2), `${fileId}.pdf`);
const pdfs = async () => (await readdir(directory, { recursive: true })).filter((name) => name.includes('.pdf'));
const unowned = (id: string) => sql`select job_id from pdfprompt_unowned_file where id = ${id}`;
const letOneHourPass = (id: string) =>
  sql`update pdfprompt_unowned_file set remove_after = remove_after - interval '1 hour' where id = ${id}`;

/** As a worker leaves it that dies between the bytes and the commit. @returns the id of the file */
async function dieBeforeCommit(job: ClaimedJob): Promise<string> {
  const result = new ResultFiles(done);
  await putFiles(base, job, result);
  await db.transaction(async (tx) => requeueLostJobs(tx, queue, workerId));
  return result.files[0]?.id ?? '';
}

describe('a job whose worker died between the bytes and the commit', () => {
  it.each([1, 2])('has one PDF as soon as it is completed: %i times', async (times) => {
    const before = (await pdfs()).length;
    const id = await submit();
    for (let time = 0; time < times; time++) await dieBeforeCommit(await claim());
    expect(await pdfs()).toHaveLength(before + 1); // the next run has removed what the one before it has left
    expect(await finishJob({ ...base, retentionMs }, await claim(), done)).toBe('completed');
    expect(await pdfs()).toHaveLength(before + 1);
    expect((await request(`/v1/jobs/${id}/pdf`)).status).toBe(200);
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['waits for its next run', async () => undefined],
    ['was cancelled since', (id) => request(`/v1/jobs/${id}`, { method: 'DELETE' })],
    [
      'was deleted',
      (id) => sql`with place as (delete from pgboss.job where id = ${id}) delete from pdfprompt_job where id = ${id}`,
    ],
  ])('leaves no bytes, if it %s', async (_, end) => {
    const id = await submit();
    const left = await dieBeforeCommit(await claim());
    await end(id);
    expect(existsSync(pathOf(left))).toBe(true);
    expect(await removeAbandonedPuts(base)).toBe(1);
    expect(existsSync(pathOf(left))).toBe(false);
    await request(`/v1/jobs/${id}`, { method: 'DELETE' });
  });

  it('leaves no bytes either if they come later than they were looked for', async () => {
    const id = await submit();
    const left = await dieBeforeCommit(await claim());
    await request(`/v1/jobs/${id}`, { method: 'DELETE' });
    await removeAbandonedPuts(base);
    await stores.current.put(NONE, left, done.files[0] as never); // by the worker, which only hung
    await removeUnownedFiles(base);
    expect(existsSync(pathOf(left))).toBe(true);
    await letOneHourPass(left);
    await removeUnownedFiles(base);
    expect(existsSync(pathOf(left))).toBe(false);
    expect(await unowned(left)).toHaveLength(0);
  });

  it('is cleaned up after by any worker, within seconds', async () => {
    const id = await submit();
    const left = await dieBeforeCommit(await claim());
    await request(`/v1/jobs/${id}`, { method: 'DELETE' });
    const maintenance = new Maintenance({ ...inPostgres, retentionMs });
    await maintenance.start();
    await eventually(() => !existsSync(pathOf(left)), 10_000, 'the bytes are removed');
    await maintenance.stop();
  });
});

describe('a PDF whose store cannot be reached when it expires', () => {
  it('expires, and its bytes go when somebody can reach them', async () => {
    const fileId = await completed();
    await sql`update pdfprompt_file set expires_at = now() where id = ${fileId}`;
    await rename(directory, `${directory}.away`);
    expect(await expire({ ...inPostgres, retentionMs })).toMatchObject({ files: 1 });
    expect(existsSync(directory)).toBe(false); // it is not made by whoever looks for it
    await removeUnownedFiles(inPostgres);
    expect(await unowned(fileId)).toHaveLength(1);
    await rename(`${directory}.away`, directory);
    expect(existsSync(pathOf(fileId))).toBe(true);
    expect(await removeUnownedFiles(inPostgres)).toBe(1);
    expect(existsSync(pathOf(fileId))).toBe(false);
    expect(await unowned(fileId)).toHaveLength(0);
  });

  it('does not keep others from being removed, and is given up after 30 days', async () => {
    const [fileId, gone, unknown] = [await completed(), uuidv7(), uuidv7()];
    await sql`insert into pdfprompt_unowned_file (id, store, location, remove_after)
      select gen_random_uuid(), 'file', 'file:///not/there', now() - interval '1 day' from generate_series(1, 500)`;
    await sql`insert into pdfprompt_unowned_file (id, store, location, since, remove_after) values
      (${gone}, 'file', 'file:///not/there/either', now() - interval '31 days', now() - interval '31 days'),
      (${unknown}, 'tape', 'tape://1', now(), now())`;
    await sql`delete from pdfprompt_file where id = ${fileId}`; // by hand: whoever does it, the bytes follow
    expect(await removeUnownedFiles(base)).toBe(1);
    expect(existsSync(pathOf(fileId))).toBe(false);
    expect(await unowned(gone)).toHaveLength(0);
    expect(await unowned(unknown)).toHaveLength(1);
    await sql`delete from pdfprompt_unowned_file`;
  });
});

describe('what the last release has written', () => {
  const asBefore = async () => {
    const fileId = await completed();
    await sql`update pdfprompt_file set location = null where id = ${fileId}`;
    return fileId;
  };
  const locationOf = async (id: string) =>
    (await sql`select location from pdfprompt_file where id = ${id}`)[0]?.['location'];

  it('is read from the directory of the setting, and gets its location from a process that has it', async () => {
    const fileId = await asBefore();
    const [{ job_id: jobId } = { job_id: '' }] = await sql`select job_id from pdfprompt_file where id = ${fileId}`;
    expect((await request(`/v1/jobs/${jobId}/pdf`)).status).toBe(200);
    expect(await locateFiles(inPostgres)).toBe(0);
    expect(await locationOf(fileId)).toBeNull();
    const maintenance = new Maintenance({ ...base, retentionMs });
    await maintenance.start();
    await eventually(async () => (await locationOf(fileId)) === `file://${directory}`, 10_000, 'it is filled in');
    await maintenance.stop();
    expect((await request(`/v1/jobs/${jobId}/pdf`)).status).toBe(200);
  });

  it('is erased, and what it could not reach too', async () => {
    const [deleted, listed] = [await asBefore(), await completed()];
    await sql`delete from pdfprompt_file where id in ${sql([deleted, listed])}`;
    await sql`delete from pdfprompt_unowned_file where id = ${listed}`;
    await sql`insert into pdfprompt_file_left (id, store) values (${listed}, 'file')`;
    await removeUnownedFiles(inPostgres);
    for (const id of [deleted, listed]) expect(existsSync(pathOf(id))).toBe(true);
    await removeUnownedFiles(base);
    for (const id of [deleted, listed]) expect(existsSync(pathOf(id))).toBe(false);
    expect(await sql`select 1 from pdfprompt_file_left`).toHaveLength(0);
  });
});

const HOUR = 3_600;
const written = async (path: string) => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'x');
  return path;
};

describe('a PDF in the directory that no row names', () => {
  /** As the last release named the file of a job's run. */
  const ofRun = (jobId: string, run: number) =>
    jobId.slice(0, -2) + (Number.parseInt(jobId.slice(-2), 16) ^ run).toString(16).padStart(2, '0');
  const leftBy = async (jobId: string) => {
    const id = ofRun(jobId, 1);
    await written(pathOf(id));
    return id;
  };
  const cancelled = async () => {
    const jobId = await submit();
    await request(`/v1/jobs/${jobId}`, { method: 'DELETE' });
    return leftBy(jobId);
  };
  /** @returns a PDF as the last release kept it, of this job */
  const kept = async () => {
    const fileId = await completed();
    const [row] = await sql<{ job_id: string }[]>`select job_id from pdfprompt_file where id = ${fileId}`;
    const id = ofRun(row?.job_id ?? '', 1);
    await rename(pathOf(fileId), await written(pathOf(id)));
    await sql`update pdfprompt_file set id = ${id}, location = null where id = ${fileId}`;
    return id;
  };
  const announced = async () => {
    const result = new ResultFiles(done);
    await submit();
    await putFiles(base, await claim(), result);
    return result.files[0]?.id ?? '';
  };

  it.each<{ what: string; make: () => Promise<string>; ageSeconds: number; isRemoved: boolean }>([
    { what: 'of a job that was cancelled', make: cancelled, ageSeconds: 2 * HOUR, isRemoved: true },
    {
      what: 'of an earlier run',
      make: async () => {
        const id = await kept();
        return leftBy(ofRun(id, 3)); // the first run's is kept, the second's is left
      },
      ageSeconds: 2 * HOUR,
      isRemoved: true,
    },
    {
      what: 'that expired before this release, while nobody could reach it',
      make: async () => {
        const id = await kept();
        await sql`update pdfprompt_file set expired_at = now() where id = ${id}`;
        await sql`delete from pdfprompt_unowned_file where id = ${id}`; // there was no trigger
        return id;
      },
      ageSeconds: 2 * HOUR,
      isRemoved: true,
    },
    { what: 'that may not be over yet', make: cancelled, ageSeconds: 600, isRemoved: false },
    {
      what: 'whose job is processing',
      make: async () => {
        await submit();
        return leftBy((await claim()).id);
      },
      ageSeconds: 2 * HOUR,
      isRemoved: false,
    },
    { what: 'that a row names', make: kept, ageSeconds: 1_000 * HOUR, isRemoved: false },
    { what: 'that this release has announced', make: announced, ageSeconds: 1_000 * HOUR, isRemoved: false },
    {
      what: 'that this release has announced, by an id of the last one',
      make: async () => {
        const [id, other] = [await cancelled(), await announced()];
        await sql`update pdfprompt_unowned_file set id = ${id} where id = ${other}`;
        return id;
      },
      ageSeconds: 1_000 * HOUR,
      isRemoved: false,
    },
    {
      what: "that may be another database's",
      make: () => leftBy(uuidv7()),
      ageSeconds: 1_000 * HOUR,
      isRemoved: false,
    },
  ])('$what: $isRemoved', async ({ make, ageSeconds, isRemoved }) => {
    const id = await make();
    const at = Date.now() / 1_000 - ageSeconds;
    await utimes(pathOf(id), at, at);
    const others = (await pdfs()).length - 1;
    for (let part = 0; part < PARTS; part++) await sweepFiles(inPostgres, part);
    let found = 0;
    for (let part = 0; part < PARTS; part++) found += await sweepFiles(base, part);
    expect(found).toBe(isRemoved ? 1 : 0);
    expect(await removeUnownedFiles(base)).toBe(isRemoved ? 1 : 0);
    expect(existsSync(pathOf(id))).toBe(!isRemoved);
    expect(await pdfs()).toHaveLength(others + (isRemoved ? 0 : 1));
    if (!isRemoved) await rm(pathOf(id));
  });

  it('is looked for by workers, part by part, from their start on', async () => {
    const jobId = await submit();
    await request(`/v1/jobs/${jobId}`, { method: 'DELETE' });
    const ids = Array.from({ length: PARTS }, (_, run) => ofRun(jobId, run)); // one in every part
    for (const id of ids) await utimes(await written(pathOf(id)), 1, 1);
    const maintenance = new Maintenance({ ...base, retentionMs });
    await maintenance.start();
    const isFound = async (id: string) => !existsSync(pathOf(id)) || (await unowned(id)).length > 0;
    const found = async () => (await Promise.all(ids.map(isFound))).filter(Boolean).length;
    await eventually(async () => (await found()) > 0, 10_000, 'the first part is swept');
    await maintenance.stop();
    expect(await found()).toBe(1);
    await sql`delete from pdfprompt_unowned_file`;
    for (const id of ids) await rm(pathOf(id), { force: true });
  });
});

describe('a sweep of the directory', () => {
  it.each<{ what: string; make: () => Promise<string>; ageSeconds: number; isRemoved: boolean }>([
    {
      what: 'that was never whole',
      make: () => written(`${pathOf(uuidv7())}.${uuidv7()}.tmp`),
      ageSeconds: 2 * HOUR,
      isRemoved: true,
    },
    {
      what: 'that the last release has left',
      make: () => written(`${pathOf(uuidv7())}.123.tmp`),
      ageSeconds: 2 * HOUR,
      isRemoved: true,
    },
    {
      what: 'that is being written',
      make: () => written(`${pathOf(uuidv7())}.${uuidv7()}.tmp`),
      ageSeconds: 0,
      isRemoved: false,
    },
    { what: 'that is there', make: async () => pathOf(await completed()), ageSeconds: 99 * HOUR, isRemoved: false },
    {
      what: 'that is none of ours',
      make: () => written(join(directory, '07', 'notes.tmp')),
      ageSeconds: 2 * HOUR,
      isRemoved: false,
    },
  ])('of a PDF $what: $isRemoved', async ({ make, ageSeconds, isRemoved }) => {
    const path = await make();
    const at = Date.now() / 1_000 - ageSeconds;
    await utimes(path, at, at);
    expect(await stores.current.sweep(HOUR * 1_000)).toBe(isRemoved ? 1 : 0);
    expect(existsSync(path)).toBe(!isRemoved);
  });
});
