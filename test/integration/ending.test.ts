import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { claimJobs, type ClaimedJob } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { requeueLostJobs } from '../../src/jobs/lost-jobs.ts';
import { Deadline } from '../../src/kernel/deadline.ts';
import { MAX_ATTEMPTS, MAX_LOSSES } from '../../src/queue/boss.ts';
import { doneWith } from '../support/outcomes.ts';
import { startService } from '../support/service.ts';

/** Seconds that a caller waits at most; whoever is not told of the end is answered only then. */
const WAIT = 60;
const TOLD_MS = 30_000;

const { base, request, sql } = await startService();
const workerId = '01a20b1c-7e0d-7435-94b8-00000000000b';
await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;

const cancel = (id: string) => request(`/v1/jobs/${id}`, { method: 'DELETE' });
const finish = (job: ClaimedJob, outcome: Outcome) => finishJob({ ...base, retentionMs: 60_000 }, job, outcome);
const retry: Outcome = { kind: 'retry', code: 'browser_failed', message: 'it ended', cause: undefined };
const losses = (id: string, count: number) => sql`update pdfprompt_job set losses = ${count} where id = ${id}`;

async function submit(): Promise<string> {
  const response = await request('/v1/jobs', { method: 'POST', body: JSON.stringify({ html: '<p>x</p>' }) });
  return ((await response.json()) as Job).id;
}

async function claim(): Promise<ClaimedJob> {
  const [job] = await claimJobs(base, { workerId, count: 1 });
  if (!job) throw new Error('nothing to claim');
  return job;
}

/** Every way in which a job ends, and as what. */
const WAYS: [what: string, status: Job['status'], end: (id: string) => Promise<unknown>][] = [
  ['its PDF is there', 'completed', async () => finish(await claim(), doneWith(new TextEncoder().encode('%PDF')))],
  [
    'its document is at fault',
    'failed',
    async () => finish(await claim(), { kind: 'reject', code: 'document_status', message: 'answered 404' }),
  ],
  [
    'we failed for the last time',
    'failed',
    async (id) => {
      await sql`update pdfprompt_job set attempts = ${MAX_ATTEMPTS - 1} where id = ${id}`;
      await finish(await claim(), retry);
    },
  ],
  ['it is cancelled in the queue', 'cancelled', cancel],
  [
    'it is cancelled while it runs',
    'cancelled',
    async (id) => {
      await claim();
      await cancel(id);
    },
  ],
  [
    'its last worker was lost',
    'failed',
    async (id) => {
      await claim();
      await losses(id, MAX_LOSSES - 1);
      await base.db.transaction((tx) => requeueLostJobs(tx, base.queue, workerId));
    },
  ],
  [
    'its last claim expired',
    'failed',
    async (id) => {
      await claim();
      await losses(id, MAX_LOSSES - 1);
      await base.queue.release(base.db, id);
      await claimJobs(base, { workerId, count: 1 });
    },
  ],
];

describe('whoever waits for a job is told of its end when', () => {
  it.each(WAYS)('%s', async (_, status, end) => {
    const id = await submit();
    const answer = request(`/v1/jobs/${id}?wait=${WAIT}`).then(async (response) => (await response.json()) as Job);
    // The answer may come without the notifier, if the request arrives when all is over.
    const notified = new Promise<void>((done) =>
      base.notifier.on('ended', new AbortController().signal, (jobId) => jobId === id && done()),
    );
    await end(id);
    await new Deadline(TOLD_MS).race('the notification', notified);
    expect((await new Deadline(TOLD_MS).race('the answer', answer)).status).toBe(status);
  });
});

describe('whoever claims', () => {
  it('waits for no other claim: it takes the next job', async () => {
    const ids = [await submit(), await submit()];
    const taken = await base.db.transaction(async (tx) => {
      const [first] = await base.queue.claim(tx, 1);
      const second = await new Deadline(TOLD_MS).race(
        'the second claim',
        base.db.transaction((other) => base.queue.claim(other, 2)),
      );
      return [first, ...second].map((claim) => claim?.id);
    });
    expect(taken).toEqual(ids);
  });
});
