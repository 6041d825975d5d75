import { setTimeout as sleep } from 'node:timers/promises';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { Stores } from '../../src/storage/stores.ts';
import { doneWith } from '../support/outcomes.ts';
import { silentEvents } from '../support/silent-events.ts';
import type { Stage } from './stage.ts';

const WORKER = '01a20b1c-7e0d-7435-94b8-00000000000f';
const DONE = doneWith(Buffer.from('%PDF-1.7 of a benchmark'));

/** Ends jobs as a worker does, but without a rendering: where only the API is measured. @returns what stops it */
export async function pretendToWork(stage: Stage): Promise<() => Promise<void>> {
  const queue = await stage.queue();
  const deps = {
    db: stage.pool.db,
    queue,
    events: silentEvents(),
    stores: new Stores({ pdfStore: { kind: 'postgres' } }),
    retentionMs: 3_600_000,
  };
  await stage.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${WORKER}, 'bench', 1, 10, 'bench')`;
  let isOver = false;
  const working = (async () => {
    while (!isOver) {
      const jobs = await claimJobs(deps, { workerId: WORKER, count: 10 });
      for (const job of jobs) await finishJob(deps, job, DONE);
      if (jobs.length === 0) await sleep(50);
    }
  })();
  return async () => {
    isOver = true;
    await working;
    await queue.stop();
  };
}
