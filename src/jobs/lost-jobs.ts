import { and, eq, notInArray, sql } from 'drizzle-orm';
import { notify } from '../db/notifier.ts';
import type { Database, Queryable } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import { type JobQueue, MAX_LOSSES } from '../queue/boss.ts';
import type { RunAbout } from '../telemetry/about.ts';
import { endAttempt } from './attempts.ts';

/** The columns of a job that is back in the queue. */
export const BACK_IN_QUEUE = { status: 'queued', startedAt: null, workerId: null } as const;

/** The columns of a job that ended without a PDF. Its document is kept for some time, because it may be retried. */
export const ENDED = { workerId: null, completedAt: sql`now()` } as const;

/** The columns that {@link toRunAbout} takes. */
export const LOST_COLUMNS = {
  id: job.id,
  userId: job.userId,
  tier: job.tier,
  requestId: job.requestId,
  traceparent: job.traceparent,
  batchId: job.batchId,
  row: job.batchRow,
  run: job.runs,
};

type LostRow = Pick<typeof job.$inferSelect, 'id' | 'userId' | 'tier' | 'requestId' | 'traceparent' | 'batchId'> & {
  row: number | null;
  run: number;
};

/** What the log gets of a lost job. */
export function toRunAbout({ id, userId, tier, run, requestId, traceparent, batchId, row }: LostRow): RunAbout {
  return {
    jobId: id,
    userId,
    tier,
    requestId: requestId ?? undefined,
    traceId: traceIdOf(traceparent),
    ...(batchId !== null && { batchId }),
    ...(row !== null && { row }),
    run,
  };
}

/** The jobs of lost workers, to be logged after the commit. */
export interface LostJobs {
  /** back in the queue */
  requeued: RunAbout[];
  /** failed with the code `poison` */
  poisoned: RunAbout[];
}

/**
 * Requeues the jobs of a lost worker at once; no attempt is counted. A job that was being rendered each of
 * {@link MAX_LOSSES} times that a worker was lost is taken for the cause and fails with `poison`. After its first loss
 * a job runs alone (`worker/dispatcher.ts`), so if it was claimed together with others it had not begun and is not the
 * cause.
 * @param skipLocked leaves jobs that somebody has locked, such as one whose result is being written
 */
export async function requeueLostJobs(
  tx: Queryable,
  queue: JobQueue,
  workerId: string,
  { skipLocked = false } = {},
): Promise<LostJobs> {
  const rows = await tx
    .select({ ...LOST_COLUMNS, losses: job.losses })
    .from(job)
    .where(and(eq(job.workerId, workerId), eq(job.status, 'processing')))
    .for('update', skipLocked ? { skipLocked } : {});
  const lost: LostJobs = { requeued: [], poisoned: [] };
  for (const row of rows) {
    const isLossCounted = row.losses === 0 || rows.length === 1;
    const reason = isLossCounted ? 'its worker was lost' : 'its worker was lost before the job began';
    const isRequeued = await endLostRun(tx, queue, row, { reason, losses: isLossCounted ? row.losses + 1 : undefined });
    if (isRequeued) await queue.release(tx, row.id);
    lost[isRequeued ? 'requeued' : 'poisoned'].push(toRunAbout(row));
  }
  if (rows.length > 0) await notify(tx, 'queued');
  return lost;
}

/**
 * Ends the run of a job whose worker was lost, but leaves the job's place in the queue as it is.
 * @param losses with this one; undefined: it does not count
 * @returns whether the job is queued again; otherwise it failed with `poison`
 */
export async function endLostRun(
  tx: Queryable,
  queue: JobQueue,
  { id }: LostRow,
  { reason, losses }: { reason: string; losses: number | undefined },
): Promise<boolean> {
  if (losses === undefined || losses < MAX_LOSSES) {
    await undoRun(tx, { jobId: id, outcome: 'lost', reason }, losses);
    return true;
  }
  await endAttempt(tx, { jobId: id, outcome: 'lost', reason });
  await tx
    .update(job)
    .set({
      status: 'failed',
      ...ENDED,
      losses,
      errorCode: 'poison',
      errorMessage: `${MAX_LOSSES} workers were lost while they rendered this document`,
    })
    .where(eq(job.id, id));
  await queue.cancel(tx, [id]);
  await notify(tx, 'ended', id);
  return false;
}

/** Ends the run of a job without counting an attempt. The job is queued again. */
export async function undoRun(tx: Queryable, end: Parameters<typeof endAttempt>[1], losses?: number): Promise<void> {
  await endAttempt(tx, end);
  await tx
    .update(job)
    .set({ ...BACK_IN_QUEUE, attempts: ATTEMPTS_BEFORE, losses })
    .where(eq(job.id, end.jobId));
}

const ATTEMPTS_BEFORE = sql`greatest(${job.attempts} - 1, 0)`;

/**
 * Requeues the jobs that a worker has claimed according to the database but does not know of: the claim was
 * committed, and the answer was lost with the connection. No attempt is counted.
 * @param known the ids of the jobs that the worker knows of; empty when the worker stops
 */
export async function requeueUnknownJobs(
  { db, queue }: { db: Database; queue: JobQueue },
  { workerId, known }: { workerId: string; known: string[] },
): Promise<RunAbout[]> {
  return db.transaction(async (tx) => {
    const rows = await tx
      .update(job)
      .set({ ...BACK_IN_QUEUE, attempts: ATTEMPTS_BEFORE })
      .where(and(eq(job.workerId, workerId), eq(job.status, 'processing'), notInArray(job.id, known)))
      .returning(LOST_COLUMNS);
    for (const { id } of rows) {
      await endAttempt(tx, { jobId: id, outcome: 'interrupted', reason: 'left over' });
      await queue.release(tx, id);
    }
    if (rows.length > 0) await notify(tx, 'queued');
    return rows.map(toRunAbout);
  });
}
