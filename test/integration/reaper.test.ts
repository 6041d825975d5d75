import { v7 as uuidv7 } from 'uuid';
import { expect, it, onTestFinished } from 'vitest';
import { claimJobs } from '../../src/jobs/claim.ts';
import { requeueLostJobs } from '../../src/jobs/lost-jobs.ts';
import { Reaper } from '../../src/worker/reaper.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const { base, sql, request } = await startService();
const { db, queue, events } = base;

/** @returns its id, and the ids of the jobs that it has claimed */
async function worker(count: number) {
  const id = uuidv7();
  await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${id}, 'test', 1, 1, 'test')`;
  for (let number = 0; number < count; number++) await request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
  const jobs = await claimJobs(base, { workerId: id, count });
  expect(jobs).toHaveLength(count);
  return { id, jobs: jobs.map((job) => job.id) };
}

const statusOf = async (id: string) =>
  (await sql<{ status: string }[]>`select status from pdfprompt_job where id = ${id}`)[0]?.status;

it('hands on the jobs of one dead worker though a job of another is locked', async () => {
  const [held, free] = [await worker(1), await worker(1)];
  await sql`update pdfprompt_worker set seen_at = now() - interval '1 hour'`;
  const reaper = new Reaper({ db, queue, events, registration: { heldMs: Infinity, workerId: uuidv7() } });
  onTestFinished(() => reaper.stop());
  await sql.begin(async (tx) => {
    await tx`select from pdfprompt_job where id = ${held.jobs[0] ?? ''} for update`;
    await reaper.start();
    await eventually(async () => (await statusOf(free.jobs[0] ?? '')) === 'queued', 9_000, 'the other is handed on'); // lock_timeout is 10 s
    expect(await statusOf(held.jobs[0] ?? '')).toBe('processing');
  });
  await eventually(async () => (await statusOf(held.jobs[0] ?? '')) === 'queued', 30_000, 'the first is handed on');
});

it('is not needed by a worker that gives up all that is not locked at that moment', async () => {
  const { id, jobs } = await worker(2);
  const [held = '', free = ''] = jobs;
  await sql.begin(async (tx) => {
    await tx`select from pdfprompt_job where id = ${held} for update`;
    const { requeued } = await db.transaction((mine) => requeueLostJobs(mine, queue, id, { skipLocked: true }));
    expect(requeued.map(({ jobId }) => jobId)).toEqual([free]);
  });
  expect([await statusOf(held), await statusOf(free)]).toEqual(['processing', 'queued']);
});
