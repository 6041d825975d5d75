import { and, eq, sql } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import { notify, notifySql } from '../db/notifier.ts';
import type { Database, Transaction } from '../db/pools.ts';
import { file, job, jobAttempt, part, unownedFile, usageHistory } from '../db/schema.ts';
import type { RenderTimings } from '../domain/job.ts';
import { PDF_TYPE } from '../domain/media-type.ts';
import type { Failure, Outcome, PrintReport } from '../domain/outcome.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { type JobQueue, MAX_ATTEMPTS } from '../queue/boss.ts';
import { storeFailureOf } from '../storage/postgres-store.ts';
import type { Stores } from '../storage/stores.ts';
import { endAttempt } from './attempts.ts';
import { type ClaimedJob, isItem } from './claim.ts';
import { BACK_IN_QUEUE, ENDED } from './lost-jobs.ts';
import { keepPageReport } from './page-reports.ts';
import { dropFiles, putFiles, ResultFiles } from './put-files.ts';
import { REDACTED_REQUEST, REDACTED_URL, WITHOUT_DOCUMENT, WITHOUT_DOCUMENT_OF_ITEM } from './redacted-request.ts';

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

/** Failed resources that are recorded by name: a document may load thousands. */
const KEPT_FAILURES = 20;
/** Missing font families of a job that are kept. */
const KEPT_FONTS = 20;
/** Of a part: what is kept of it, and erased later. */
const HAS_SHOWN = sql`shown is not null`;
const HAS_SHOWN_OR_TITLE = sql`(shown is not null or settings ? 'title')`;

export interface FinishDeps {
  db: Database;
  queue: JobQueue;
  stores: Stores;
  /** milliseconds that a PDF is kept whose job says nothing */
  retentionMs: number;
}

/** The job's status after the attempt; `stale` if the claim was no longer valid, so that nothing was written. */
export type Finish = 'completed' | 'failed' | 'queued' | 'stale';

class StaleClaim extends Error {}

/** Somebody took the bytes for abandoned before the transaction that names them. */
class BytesAbandoned extends Error {}

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
    }
    return await db.transaction(async (tx) => {
      const finish =
        outcome.kind === 'done'
          ? await complete(deps, tx, claimed, { ...outcome, result })
          : await failOrRequeue(deps, tx, claimed, outcome);
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

/** The worker's own times, and by the database's clock the time in the queue and in total. */
function timings(own: Partial<RenderTimings> = {}) {
  const since = (from: unknown, until: unknown) => sql`round(extract(epoch from ${until} - ${from}) * 1000)::bigint`;
  return sql`jsonb_build_object('queued', ${since(job.createdAt, job.startedAt)}, 'total', ${since(job.createdAt, sql`now()`)}) || ${JSON.stringify(own)}::text::jsonb`;
}

/**
 * Writes a completed job. Everything but bytes in the database, what the pages said, and the queue is one statement, to save round trips:
 *
 * - `own`: the job's row, if it is still processing in our run; the other parts do nothing without it. Credentials and
 *   the documents are no longer needed. What its pages said is kept, as is what they said in an earlier run.
 * - `erased`: its parts
 * - `kept`: the files
 * - `owned`: their bytes outside the database, which no longer are without an owner
 * - `charged`: the tenant's usage of the day
 * - `ended`: the attempt
 * - the notification
 *
 * @throws StaleClaim, BytesAbandoned
 */
async function complete(
  { queue, stores: { current: store }, retentionMs }: FinishDeps,
  tx: Transaction,
  claimed: ClaimedJob,
  {
    result,
    failedResources,
    missingFonts,
    incomplete,
    timings: times,
    pageReport,
  }: PrintReport & { result: ResultFiles },
): Promise<Finish> {
  const { id, run, userId, claim } = claimed;
  const ofItem = isItem(claimed);
  const { files, ids, pages, size } = result;
  const rows = files.map((each, position) => {
    const { size: bytes, pages: count, type = PDF_TYPE, name, part: partOf, sha256 } = each.pdf;
    return { id: each.id, position, size: bytes, pages: count, type, name, part: partOf, sha256 };
  });
  const [row] = await tx.execute<{ owned: number }>(sql`
    with own as (
      update ${job} set status = 'completed', html = null, request = ${REDACTED_REQUEST}, url = ${REDACTED_URL},
        keeps_parts = ${pageReport !== undefined || run > 1} or exists (select 1 from ${part} where job_id = ${id} and ${ofItem ? HAS_SHOWN_OR_TITLE : HAS_SHOWN}), worker_id = null, completed_at = now(),
        failed_resources = ${JSON.stringify(failedResources.slice(0, KEPT_FAILURES))}::text::jsonb,
        failed_resource_count = ${failedResources.length},
        missing_fonts = ${JSON.stringify(missingFonts.slice(0, KEPT_FONTS))}::text::jsonb,
        incomplete = ${JSON.stringify(incomplete.slice(0, KEPT_FAILURES))}::text::jsonb, timings = ${timings(times)}
      where id = ${id} and status = 'processing' and runs = ${run} returning id, retention_seconds
    ), erased as (
      update ${part} set ${ofItem ? WITHOUT_DOCUMENT_OF_ITEM : WITHOUT_DOCUMENT} where job_id in (select id from own)
    ), kept as (
      insert into ${file} (id, job_id, user_id, position, store, location, size, pages, type, name, part, sha256, expires_at)
      select f.id, own.id, ${userId}, f.position, ${store.kind}, ${store.location}, f.size, f.pages, f.type,
        f.name, f.part, decode(f.sha256, 'hex'), 
        now() + coalesce(own.retention_seconds, ${retentionMs / 1000}::double precision) * interval '1 second'
      from own, json_to_recordset(${JSON.stringify(rows)}::text::json)
        as f (id uuid, position smallint, size bigint, pages integer, type text, name text, part smallint, sha256 text)
    ), owned as (
      delete from ${unownedFile} where id = any (${ids}::uuid[]) and job_id = ${id} and run = ${run} returning id
    ), charged as (
      insert into ${usageHistory} as u (user_id, day, completed, pages, bytes)
      select ${userId}, (now() at time zone 'utc')::date, 1, ${pages}, ${size} from own
      on conflict (user_id, day) do update set
        completed = u.completed + 1, pages = u.pages + excluded.pages, bytes = u.bytes + excluded.bytes
    ), ended as (
      update ${jobAttempt} set ended_at = now(), outcome = 'done' where job_id in (select id from own) and run = ${run}
    )
    select (select count(*)::integer from owned) as owned, ${notifySql('ended', id)} from own`);
  if (!row) throw new StaleClaim();
  if (store.isInDatabase) for (const { id: fileId, pdf: bytes } of files) await store.put(tx, fileId, bytes);
  else if (row.owned !== files.length) throw new BytesAbandoned();
  if (pageReport) await keepPageReport(tx, claimed, pageReport);
  if (!(await queue.complete(tx, claim))) throw new StaleClaim();
  return 'completed';
}
