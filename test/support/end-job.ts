import { v7 as uuidv7 } from 'uuid';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { doneWith } from './outcomes.ts';
import type { TestService } from './service.ts';

/** Completes a job without a renderer, as a worker does it. The only one in the queue. */
export async function completeJob(
  { base, sql }: TestService,
  jobId: string,
  pdf = Buffer.from('%PDF-1.4'),
): Promise<void> {
  const { db, queue, events, stores } = base;
  const workerId = uuidv7();
  await sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${workerId}, 'test', 1, 1, 'test')`;
  for (let times = 0; times < 100; times++) {
    const [claimed] = await claimJobs({ db, queue, events }, { workerId, count: 1 });
    if (claimed?.id !== jobId) continue; // the place of a job that has ended
    await finishJob({ db, queue, stores, retentionMs: 600_000 }, claimed, doneWith(pdf));
    return;
  }
  throw new Error('the job is not in the queue');
}
