import { and, eq } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import { notify } from '../db/notifier.ts';
import type { Database, Queryable, Transaction } from '../db/pools.ts';
import { job, jobAttempt } from '../db/schema.ts';
import type { Failure, Outcome } from '../domain/outcome.ts';
import { crashPoint, isArmed } from '../kernel/crash-point.ts';
import { type JobQueue, MAX_ATTEMPTS } from '../queue/boss.ts';
import { oneRowOf, storeFailureOf } from '../storage/postgres-store.ts';
import type { Stores } from '../storage/stores.ts';
import { endAttempt } from './attempts.ts';
import type { ClaimedJob } from './claim.ts';
import { BytesAbandoned, complete, StaleClaim, timings } from './complete.ts';
import { BACK_IN_QUEUE, ENDED } from './lost-jobs.ts';
import { keepPageReport } from './page-reports.ts';
import { dropFiles, putFiles, ResultFiles } from './put-files.ts';

/**
 * Seconds that a result is kept while the store does not take it. Afterwards its memory is worth more than the rendering
 * that it saves.
 */
export const STORE_PATIENCE_SECONDS = 120;

/** When a result no longer waits for its store. */
export function endOfPatience(stop: AbortSignal): AbortSignal {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(STORE_PATIENCE_SECONDS * 1_000)]);
  signal.addEventListener('abort', () => undefined); // a combined signal that nobody listens to may miss its time-out
  return signal;
}

export interface FinishDeps {
  db: Database;
  queue: JobQueue;
  stores: Stores;
  /** milliseconds that a PDF is kept whose job says nothing */
  retentionMs: number;
}

/** The job's status after the attempt; `stale` if the claim was no longer valid, so that nothing was written. */
export type Finish = 'completed' | 'failed' | 'queued' | 'stale';

/**
 * Writes the outcome of an attempt: first the files into a store outside the database, then job, files, usage and queue
 * in one transaction. If another claim of the job has followed, nothing is written and the result is dropped. May be
 * called again after a failure, with the same `result`: what is stored is not stored again, and a commit whose answer
 * was lost is recognised.
 * @param signal ends a put
 * @throws StoreFailure if the store did not keep a file: nothing is written, and the claim is still valid
 */
export async function finishJob(
  deps: FinishDeps,
  claimed: ClaimedJob,
  outcome: Outcome,
  { result = new ResultFiles(outcome), signal }: { result?: ResultFiles; signal?: AbortSignal | undefined } = {},
): Promise<Finish> {
  const { db } = deps;
  try {
    if (outcome.kind === 'done') {
      if (!(await putFiles(deps, claimed, result, signal))) throw new StaleClaim();
      crashPoint('store.put');
      await write(deps, claimed, outcome, result);
      return 'completed';
    }
    return await db.transaction(async (tx) => {
      const finish = await failOrRequeue(deps, tx, claimed, outcome);
      crashPoint('finish.written');
      return finish;
    });
  } catch (error) {
    if (error instanceof BytesAbandoned) return finishJob(deps, claimed, outcome, { signal });
    if (error instanceof StaleClaim) {
      const earlier = await finishedBefore(db, claimed, outcome);
      if (!earlier) await dropFiles(deps, result);
      return earlier ?? 'stale';
    }
    throw (outcome.kind === 'done' && storeFailureOf(error)) || error;
  }
}

/** @returns what this same run has written already, if it has */
async function finishedBefore(
  db: Database,
  { id, run }: ClaimedJob,
  { kind }: Outcome,
): Promise<Exclude<Finish, 'stale'> | undefined> {
  const [row] = await db
    .select({ status: job.status })
    .from(jobAttempt)
    .innerJoin(job, eq(job.id, jobAttempt.jobId))
    .where(and(eq(jobAttempt.jobId, id), eq(jobAttempt.run, run), eq(jobAttempt.outcome, kind)));
  if (!row) return undefined;
  return row.status === 'completed' || row.status === 'failed' ? row.status : 'queued';
}

/** A small result is one statement, and that a transaction. A large one is not kept in memory twice, but sent in pieces. */
async function write(
  deps: FinishDeps,
  claimed: ClaimedJob,
  outcome: Extract<Outcome, { kind: 'done' }>,
  result: ResultFiles,
): Promise<void> {
  const { current: store } = deps.stores;
  const [first, ...more] = result.files;
  const bytes = store.isInDatabase && first && more.length === 0 ? oneRowOf(first.pdf) : undefined;
  const { pageReport } = outcome;
  const isOneStatement = (bytes !== undefined || !store.isInDatabase) && !pageReport && !isArmed('finish.written');
  const completeIn = (db: Queryable) => {
    const run = () => complete(deps, db, claimed, { ...outcome, result, bytes });
    return bytes && store.measurePut ? store.measurePut(run) : run();
  };
  if (isOneStatement) return completeIn(deps.db);
  await deps.db.transaction(async (tx) => {
    await completeIn(tx);
    if (store.isInDatabase && !bytes) for (const { id, pdf } of result.files) await store.put(tx, id, pdf);
    if (pageReport) await keepPageReport(tx, claimed, pageReport);
    crashPoint('finish.written');
  });
}

async function failOrRequeue(
  { queue }: FinishDeps,
  tx: Transaction,
  claimed: ClaimedJob,
  outcome: Failure,
): Promise<Finish> {
  const { id: jobId, claim, attempt } = claimed;
  if (outcome.kind === 'interrupted') {
    await change(tx, claimed, { ...BACK_IN_QUEUE, attempts: attempt - 1 });
    if (!(await queue.requeue(tx, claim))) throw new StaleClaim();
    await notify(tx, 'queued');
    await endAttempt(tx, { jobId, outcome: 'interrupted', reason: outcome.reason });
    return 'queued';
  }
  const { kind, code, message, pageReport } = outcome;
  const isRequeued = kind === 'retry' && attempt < MAX_ATTEMPTS;
  const kept = pageReport && { keepsParts: true };
  if (isRequeued) {
    await change(tx, claimed, { ...BACK_IN_QUEUE, ...kept });
    if (!(await queue.retryLater(tx, claim))) throw new StaleClaim();
  } else {
    const errorMessage = kind === 'retry' ? `${message} (${attempt} attempts)` : message;
    await change(tx, claimed, {
      ...ENDED,
      ...kept,
      status: 'failed',
      errorCode: code,
      errorMessage,
      timings: timings(),
    });
    if (!(await queue.complete(tx, claim))) throw new StaleClaim();
    await notify(tx, 'ended', jobId);
  }
  await endAttempt(tx, { jobId, outcome: kind, reason: `${code}: ${message}` });
  if (pageReport) await keepPageReport(tx, claimed, pageReport);
  return isRequeued ? 'queued' : 'failed';
}

/** Changes the job's row. @throws StaleClaim unless it is still processing in our run */
async function change(tx: Transaction, { id, run }: ClaimedJob, columns: PgUpdateSetSource<typeof job>): Promise<void> {
  const rows = await tx
    .update(job)
    .set(columns)
    .where(and(eq(job.id, id), eq(job.status, 'processing'), eq(job.runs, run)))
    .returning({ id: job.id });
  if (rows.length !== 1) throw new StaleClaim();
}
