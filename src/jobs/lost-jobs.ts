import { and, eq, notInArray, sql } from 'drizzle-orm';
import { notify } from '../db/notifier.ts';
import type { Database, Queryable } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import { type JobQueue, MAX_LOSSES } from '../queue/boss.ts';
import type { LostAbout } from '../telemetry/events.ts';
import { endAttempt } from './attempts.ts';

/** A job's columns when it is nobody's again. */
export const BACK_IN_QUEUE = { status: 'queued', startedAt: null, workerId: null } as const;

/** And when it is nobody's for ever, without a PDF. Its document is kept for some time: it may be asked for again. */
export const ENDED = { workerId: null, completedAt: sql`now()` } as const;

/** What is told of a job that its worker did not end. */
export const LOST = {
  id: job.id,
  userId: job.userId,
  tier: job.tier,
  requestId: job.requestId,
  traceparent: job.traceparent,
  run: job.runs,
};

/** What became of jobs whose worker was lost. */
export interface Lost {
  /** to the queue */
  returned: LostAbout[];
  poisoned: LostAbout[];
}

type LostRow = Pick<typeof job.$inferSelect, 'id' | 'userId' | 'tier' | 'requestId' | 'traceparent'> & { run: number };

export function toLost({ id, requestId, traceparent, ...row }: LostRow): LostAbout {
  return { ...row, jobId: id, requestId: requestId ?? undefined, traceId: traceIdOf(traceparent) };
}

/**
 * Hands on the jobs of a worker that was lost: at once, and counted apart from failures. A job that
 * was there each time a worker was lost is taken for the cause and fails as `poison`. From the second
 * time on it runs alone (`worker/dispatcher.ts`): one that others were beside had not begun, and is not
 * the cause.
 * @returns which jobs went back, and which of them were poison, to be told of once this is committed
 */
export async function requeueLostJobs(tx: Queryable, queue: JobQueue, workerId: string): Promise<Lost> {
  const rows = await tx
    .select({ ...LOST, losses: job.losses })
    .from(job)
    .where(and(eq(job.workerId, workerId), eq(job.status, 'processing')))
    .for('update');
  const lost: Lost = { returned: [], poisoned: [] };
  for (const { losses, ...row } of rows) {
    const { id } = row;
    const hasRun = losses === 0 || rows.length === 1;
    const reason = hasRun ? 'its worker was lost' : 'its worker was lost before it began';
    await endAttempt(tx, { jobId: id, outcome: 'lost', reason });
    if (hasRun && losses + 1 >= MAX_LOSSES) lost.poisoned.push(...(await poison(tx, queue, id)));
    else {
      lost.returned.push(toLost(row));
      await tx
        .update(job)
        .set({
          ...BACK_IN_QUEUE,
          attempts: sql`${job.attempts} - 1`,
          losses: hasRun ? losses + 1 : losses,
        })
        .where(eq(job.id, id));
      await queue.release(tx, id);
    }
  }
  if (rows.length > 0) await notify(tx, 'queued');
  return lost;
}

/**
 * Gives back what a worker has in its name but does not know of: the claim was committed, but the
 * answer was lost with the connection. Not counted.
 * @param known the jobs that it does know of; none when it leaves
 * @returns which jobs those were
 */
export async function returnUnknownJobs(
  { db, queue }: { db: Database; queue: JobQueue },
  { workerId, known }: { workerId: string; known: string[] },
): Promise<LostAbout[]> {
  return db.transaction(async (tx) => {
    const rows = await tx
      .update(job)
      .set({ ...BACK_IN_QUEUE, attempts: sql`${job.attempts} - 1` })
      .where(and(eq(job.workerId, workerId), eq(job.status, 'processing'), notInArray(job.id, known)))
      .returning(LOST);
    for (const { id } of rows) {
      await endAttempt(tx, { jobId: id, outcome: 'interrupted', reason: 'left over' });
      await queue.release(tx, id);
    }
    if (rows.length > 0) await notify(tx, 'queued');
    return rows.map(toLost);
  });
}

/** Fails a job that took one worker after another with it. @returns whose it is, to be told of once this is committed */
export async function poison(tx: Queryable, queue: JobQueue, id: string): Promise<LostAbout[]> {
  const rows = await tx
    .update(job)
    .set({
      status: 'failed',
      ...ENDED,
      losses: sql`${job.losses} + 1`,
      errorCode: 'poison',
      errorMessage: `the worker was lost ${MAX_LOSSES} times while it rendered this document`,
    })
    .where(eq(job.id, id))
    .returning(LOST);
  await queue.cancel(tx, id);
  await notify(tx, 'ended', id);
  return rows.map(toLost);
}
