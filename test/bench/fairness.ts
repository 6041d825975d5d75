import { setTimeout as sleep } from 'node:timers/promises';
import type { Principal } from '../../src/accounts/principals.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { Stores } from '../../src/storage/stores.ts';
import { silentEvents } from '../support/silent-events.ts';
import { percentile, type Result, spread, type Stage } from './stage.ts';

/** High jobs that come up to this long after a low one are served before it: sql/0021_submit.sql. */
const LONGEST_OVERTAKING_SECONDS = 60;
const FLOOD = 10_000;
const JOB_MS = 50;
const SLOTS = 4;
const TRICKLE_MS = 200;
const SECONDS = 15;
const WORKER = '01a20b1c-7e0d-7435-94b8-00000000000b';

/**
 * Tenant A floods the queue, tenant B sends one job now and then. Jobs take a fixed time here instead
 * of a rendering, so that only the queue is measured; submit, claim and finish are the real ones.
 */
export async function fairness(stage: Stage): Promise<Result> {
  const queue = await stage.queue();
  const events = silentEvents();
  const deps = {
    db: stage.pool.db,
    reads: stage.pool.db,
    queue,
    events,
    limiter: stage.limiter,
    stores: new Stores({ pdfStore: { kind: 'postgres' } }),
    retentionMs: 3_600_000,
  };
  await stage.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${WORKER}, 'bench', 1, ${SLOTS}, 'bench')`;
  const parsed = parsePdfRequest({ html: '<p>x</p>' });
  if (!parsed.ok) throw new Error('the benchmark does not fit the code');
  const { request } = parsed;
  const principal = (email: string, tier: string) => stage.principal(email, tier);
  const flooder = await principal('flood@example.com', 'starter');
  const trickler = await principal('trickle@example.com', 'starter');

  /** Works, while somebody submits, until that returns or time is up. @returns how many jobs were done a second, and the waits of those submitted here */
  const work = async (
    submitting: (send: (from: Principal) => Promise<string>, isWorking: () => boolean) => Promise<void>,
  ) => {
    const done = new Map<string, number>();
    const waits = new Map<string, number>();
    const sentAt = new Map<string, number>();
    const startedAt = performance.now();
    let isOver = false;
    const slot = async () => {
      while (!isOver) {
        const [job] = await claimJobs(deps, { workerId: WORKER, count: 1 });
        if (!job) {
          await sleep(2);
          continue;
        }
        const sent = sentAt.get(job.id);
        if (sent !== undefined) waits.set(job.id, performance.now() - sent);
        await sleep(JOB_MS);
        await finishJob(deps, job, { kind: 'reject', code: 'job_failed', message: 'a benchmark' });
        done.set(job.userId, (done.get(job.userId) ?? 0) + 1);
      }
    };
    const send = async (from: Principal) => {
      const at = performance.now();
      const { job } = await submitJob(deps, { principal: from, request });
      sentAt.set(job.id, at);
      return job.id;
    };
    const slots = Array.from({ length: SLOTS }, slot);
    await submitting(send, () => performance.now() - startedAt < SECONDS * 1_000);
    isOver = true;
    await Promise.all(slots);
    const seconds = (performance.now() - startedAt) / 1_000;
    return {
      flood: (done.get(flooder.userId) ?? 0) / seconds,
      all: [...done.values()].reduce((a, b) => a + b, 0) / seconds,
      waits,
    };
  };
  const trickle: Parameters<typeof work>[0] = async (send, isWorking) => {
    for (; isWorking(); await sleep(TRICKLE_MS)) await send(trickler);
    await sleep(1_000); // the last one's turn
  };

  const idle = await work(trickle);
  for (let sent = 0; sent < FLOOD; sent += 100)
    await Promise.all(Array.from({ length: 100 }, () => submitJob(deps, { principal: flooder, request })));
  const alone = await work(async (_, isWorking) => {
    while (isWorking()) await sleep(100);
  });
  const both = await work(trickle);

  const high = await Promise.all(
    Array.from({ length: 4 * SLOTS }, (_, index) => principal(`high${index}@example.com`, 'enterprise')),
  );
  let low = '';
  const stream = await work(async (send) => {
    const isWaiting = async (id: string) =>
      (await stage.sql`select 1 from pdfprompt_job where id = ${id} and status = 'queued'`).length === 1;
    const feed = async (from: Principal) => {
      while (low === '' || (await isWaiting(low))) {
        const id = await send(from); // each has one waiting, always: more than there is room for
        while (await isWaiting(id)) await sleep(5);
      }
    };
    const feeds = high.map(feed);
    await sleep(1_000);
    low = await send(trickler);
    await Promise.all(feeds);
  });
  await queue.stop();
  const [idleWaits, bothWaits] = [[...idle.waits.values()], [...both.waits.values()]];
  return {
    'B alone: wait': spread(idleWaits),
    [`B beside ${FLOOD} of A: wait`]: spread(bothWaits),
    'limit: 2 × alone + one job, p95 ms': Math.round(2 * percentile(idleWaits, 95) + JOB_MS),
    'A alone, jobs/s': Math.round(alone.flood * 10) / 10,
    'A beside B, jobs/s': Math.round(both.flood * 10) / 10,
    "A's share of its throughput alone": Math.round((both.flood / alone.flood) * 100) / 100,
    'all jobs/s, beside / alone': Math.round((both.all / alone.all) * 100) / 100,
    'LOW under an endless stream of HIGH waited, s': Math.round((stream.waits.get(low) ?? Number.NaN) / 100) / 10,
    'its bound: overtaken by what comes later for, s': LONGEST_OVERTAKING_SECONDS,
  };
}
