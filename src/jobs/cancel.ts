import { and, eq, inArray } from 'drizzle-orm';
import { ring } from '../db/bell.ts';
import type { Database } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';
import { endAttempt } from './attempts.ts';
import { ENDED } from './lose.ts';

/**
 * Ends a job that has not ended: a queued one never starts, a running one is stopped by the bell. One
 * that has ended stays as it is.
 */
export async function cancelJob(
  { db, queue, events }: { db: Database; queue: JobQueue; events: Events },
  input: { userId: string; jobId: string; requestId: string | undefined },
): Promise<void> {
  const isCancelled = await db.transaction(async (tx) => {
    const rows = await tx
      .update(job)
      .set({ status: 'cancelled', ...ENDED })
      .where(and(eq(job.id, input.jobId), eq(job.userId, input.userId), inArray(job.status, ['queued', 'processing'])))
      .returning({ id: job.id });
    if (rows.length === 0) return false;
    await endAttempt(tx, { jobId: input.jobId, outcome: 'cancelled' });
    await queue.cancel(tx, input.jobId);
    await ring(tx, 'ended', input.jobId);
    return true;
  });
  if (isCancelled) events.jobCancelled(input);
}
