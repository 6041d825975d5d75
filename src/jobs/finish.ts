import { and, eq, sql } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import { notify, notifySql } from '../db/notifier.ts';
import { type Database, isDatabaseUnavailable, type Transaction } from '../db/pools.ts';
import { file, job, jobAttempt, usageHistory } from '../db/schema.ts';
import type { Failure, Outcome } from '../domain/outcome.ts';
import type { RenderTimings } from '../domain/job.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { type JobQueue, MAX_ATTEMPTS } from '../queue/boss.ts';
import type { PdfStore } from '../storage/pdf-store.ts';
import { storeFailureOf } from '../storage/postgres-store.ts';
import { endAttempt } from './attempts.ts';
import type { ClaimedJob } from './claim.ts';
import { earlierFileIds } from './file-id.ts';
import { BACK_IN_QUEUE, ENDED } from './lost-jobs.ts';
import { REDACTED_REQUEST, REDACTED_URL } from './redacted-request.ts';

/** Failed resources that are recorded by name: a document may load thousands. */
const KEPT_FAILURES = 20;

export interface FinishDeps {
  db: Database;
  queue: JobQueue;
  store: PdfStore;
  /** milliseconds that a PDF is kept */
  retentionMs: number;
}

/** The job's status after the attempt; `stale` if the claim was no longer valid, so that nothing was written. */
export type Finish = 'completed' | 'failed' | 'queued' | 'stale';

class StaleClaim extends Error {}

/**
 * Writes the outcome of an attempt in one transaction: job, file, usage and queue. If another claim of the job has
 * followed, nothing is written and the result is dropped. May be called again after a failure of the database: a
 * commit whose answer was lost is recognised.
 * @throws StoreFailure if the store did not keep the PDF: nothing is written, and the claim is still valid
 */
export async function finishJob(deps: FinishDeps, claimed: ClaimedJob, outcome: Outcome): Promise<Finish> {
  const { db, store } = deps;
  // A rollback does not remove bytes from a store outside the database.
  const removeBytes = async () => {
    if (outcome.kind === 'done' && store.kind !== 'postgres')
      await store.remove(db, [claimed.fileId]).catch(() => undefined); // `sweepFiles` removes what is left
  };
  try {
    return await db.transaction(async (tx) => {
      const finish =
        outcome.kind === 'done'
          ? await complete(deps, tx, claimed, outcome)
          : await failOrRequeue(deps, tx, claimed, outcome);
      crashPoint('finish.written');
      return finish;
    });
  } catch (error) {
    if (error instanceof StaleClaim) {
      const earlier = await finishedBefore(db, claimed, outcome);
      if (!earlier) await removeBytes();
      return earlier ?? 'stale';
    }
    // If only the answer was lost, it may be committed and the bytes needed.
    if (!isDatabaseUnavailable(error)) await removeBytes();
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
  const { kind, code, message } = outcome;
  const isRequeued = kind === 'retry' && attempt < MAX_ATTEMPTS;
  if (isRequeued) {
    await change(tx, claimed, BACK_IN_QUEUE);
    if (!(await queue.retryLater(tx, claim))) throw new StaleClaim();
  } else {
    const errorMessage = kind === 'retry' ? `${message} (${attempt} attempts)` : message;
    await change(tx, claimed, { ...ENDED, status: 'failed', errorCode: code, errorMessage, timings: timings() });
    if (!(await queue.complete(tx, claim))) throw new StaleClaim();
    await notify(tx, 'ended', jobId);
  }
  await endAttempt(tx, { jobId, outcome: kind, reason: `${code}: ${message}` });
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

/** The worker's own times, and by the database's clock the time in the queue and in total. */
function timings(own: Partial<RenderTimings> = {}) {
  const since = (from: unknown, until: unknown) => sql`round(extract(epoch from ${until} - ${from}) * 1000)::bigint`;
  return sql`jsonb_build_object('queued', ${since(job.createdAt, job.startedAt)}, 'total', ${since(job.createdAt, sql`now()`)}) || ${JSON.stringify(own)}::text::jsonb`;
}

/**
 * Writes a completed job. Everything but the bytes and the queue is one statement, to save round trips:
 *
 * - `own`: the job's row, if it is still processing in our run; the other parts do nothing without it. Credentials and
 *   the document are no longer needed.
 * - `kept`: the file
 * - `charged`: the tenant's usage of the day
 * - `ended`: the attempt
 * - the notification
 *
 * @throws StaleClaim
 */
async function complete(
  { queue, store, retentionMs }: FinishDeps,
  tx: Transaction,
  { id, run, userId, fileId, claim }: ClaimedJob,
  { files, failedResources, timings: times }: Extract<Outcome, { kind: 'done' }>,
): Promise<Finish> {
  const [pdf] = files;
  if (!pdf) throw new Error('a job is done without a file');
  const [row] = await tx.execute(sql`
    with own as (
      update ${job} set status = 'completed', html = null, request = ${REDACTED_REQUEST}, url = ${REDACTED_URL},
        worker_id = null, completed_at = now(),
        failed_resources = ${JSON.stringify(failedResources.slice(0, KEPT_FAILURES))}::text::jsonb,
        failed_resource_count = ${failedResources.length}, timings = ${timings(times)}
      where id = ${id} and status = 'processing' and runs = ${run} returning id
    ), kept as (
      insert into ${file} (id, job_id, user_id, store, size, pages, sha256, expires_at)
      select ${fileId}, id, ${userId}, ${store.kind}, ${pdf.size}, ${pdf.pages}, decode(${pdf.sha256}, 'hex'),
        now() + ${retentionMs / 1000} * interval '1 second' from own
    ), charged as (
      insert into ${usageHistory} as u (user_id, day, completed, pages, bytes)
      select ${userId}, (now() at time zone 'utc')::date, 1, ${pdf.pages}, ${pdf.size} from own
      on conflict (user_id, day) do update set
        completed = u.completed + 1, pages = u.pages + excluded.pages, bytes = u.bytes + excluded.bytes
    ), ended as (
      update ${jobAttempt} set ended_at = now(), outcome = 'done' where job_id in (select id from own) and run = ${run}
    )
    select ${notifySql('ended', id)} from own`);
  if (!row) throw new StaleClaim();
  await store.save(tx, fileId, pdf);
  // Earlier runs may have died between saving and the commit, and left bytes that no row names.
  if (store.kind !== 'postgres') await store.remove(tx, earlierFileIds(id, run));
  if (!(await queue.complete(tx, claim))) throw new StaleClaim();
  return 'completed';
}
