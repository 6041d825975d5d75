import { and, eq, inArray } from 'drizzle-orm';
import { notify } from '../db/notifier.ts';
import type { Database } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import { UNDER_WAY } from '../domain/job.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';
import { endAttempt } from './attempts.ts';
import { ENDED } from './lost-jobs.ts';
import { retryAfterDeadlock } from './retry-after-deadlock.ts';

interface CancelInput {
  userId: string;
  jobId: string;
  requestId: string | undefined;
  traceId?: string | undefined;
}

/**
 * Cancels a job that has not ended: a scheduled or queued job never starts; the worker of a running one is notified and
 * stops it. A job that has ended stays unchanged.
 */
export async function cancelJob(
  { db, queue, events }: { db: Database; queue: JobQueue; events: Events },
  input: CancelInput,
): Promise<void> {
  const { userId, jobId } = input;
  const cancel = () =>
    db.transaction(async (tx) => {
      const [cancelled] = await tx
        .update(job)
        .set({ status: 'cancelled', ...ENDED })
        .where(and(eq(job.id, jobId), eq(job.userId, userId), inArray(job.status, [...UNDER_WAY])))
        .returning({ batchId: job.batchId, row: job.batchRow });
      if (!cancelled) return undefined;
      await endAttempt(tx, { jobId, outcome: 'cancelled' });
      await queue.cancel(tx, [jobId]);
      await notify(tx, 'ended', jobId);
      return { batchId: cancelled.batchId ?? undefined, row: cancelled.row ?? undefined };
    });
  // The counters of its batch, if it is an item, are locked after it; who erases the batch has them the other way round.
  const cancelled = await retryAfterDeadlock(cancel);
  if (cancelled) events.jobCancelled({ ...input, ...cancelled });
}
