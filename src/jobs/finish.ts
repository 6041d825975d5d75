import { and, eq, sql } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import { notify, notifySql } from '../db/notifier.ts';
import { type Database, isDatabaseUnavailable, type Transaction } from '../db/pools.ts';
import { file, job, jobAttempt, usageHistory } from '../db/schema.ts';
import type { Outcome, RenderedPdf } from '../domain/outcome.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { type JobQueue, MAX_ATTEMPTS } from '../queue/boss.ts';
import type { PdfStore } from '../storage/pdf-store.ts';
import { storeFailureOf } from '../storage/postgres-store.ts';
import { endAttempt } from './attempts.ts';
import type { ClaimedJob } from './claim.ts';
import { earlierFileIds } from './file-id.ts';
import { BACK_IN_QUEUE, ENDED } from './lost-jobs.ts';
import { REQUEST_WITHOUT_SECRETS, URL_WITHOUT_SECRETS } from './without-secrets.ts';

/** Resources that did not load and are named: a document may load thousands. */
const KEPT_FAILURES = 20;

export interface FinishDeps {
  db: Database;
  queue: JobQueue;
  store: PdfStore;
  /** milliseconds that a PDF is kept */
  retentionMs: number;
}

/** What became of the job: its final status, `queued` if it went back, `fenced` if it was no longer ours. */
export type Finish = 'completed' | 'failed' | 'queued' | 'stale';

class StaleClaim extends Error {}

/**
 * Writes what became of an attempt in one transaction: job, file, usage and queue together. If the
 * job is no longer ours at this attempt, nothing is written and the result is thrown away. May be
 * tried again when the database was away: a commit whose answer never came is recognised.
 * @throws StoreFailure if the store did not keep the PDF: nothing is written, and the job is still ours
 */
export async function finishJob(deps: FinishDeps, claimed: ClaimedJob, outcome: Outcome): Promise<Finish> {
  const { db, store } = deps;
  // A store outside the database knows nothing of a rollback.
  const removeBytes = async () => {
    if (outcome.kind === 'done' && store.kind !== 'postgres')
      await store.remove(db, [claimed.fileId]).catch(() => undefined); // then the sweep does
  };
  try {
    return await db.transaction(async (tx) => {
      const finish = await write(deps, tx, claimed, outcome);
      if (outcome.kind !== 'done')
        // or else it is a part of that
        await endAttempt(tx, { jobId: claimed.id, outcome: outcome.kind, reason: reasonOf(outcome) });
      crashPoint('finish.written');
      return finish;
    });
  } catch (error) {
    if (error instanceof StaleClaim) {
      const before = await finishedBefore(db, claimed, outcome);
      if (!before) await removeBytes();
      return before ?? 'stale';
    }
    // It may be committed all the same, if only the answer was lost: then the bytes are needed.
    if (!isDatabaseUnavailable(error)) await removeBytes();
    throw (outcome.kind === 'done' && storeFailureOf(error)) || error;
  }
}

/** What this very attempt has written already. */
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

function reasonOf(outcome: Outcome): string | undefined {
  if ('code' in outcome) return `${outcome.code}: ${outcome.message}`;
  return outcome.kind === 'interrupted' ? outcome.reason : undefined;
}

async function write(deps: FinishDeps, tx: Transaction, claimed: ClaimedJob, outcome: Outcome): Promise<Finish> {
  switch (outcome.kind) {
    case 'done':
      await complete(deps, tx, claimed, outcome.pdf);
      return 'completed';
    case 'reject':
      await end(deps, tx, claimed, {
        status: 'failed',
        errorCode: outcome.code,
        errorMessage: outcome.message,
        timings: timings(),
      });
      return 'failed';
    case 'retry':
      if (claimed.attempt >= MAX_ATTEMPTS) {
        await end(deps, tx, claimed, {
          status: 'failed',
          errorCode: outcome.code,
          errorMessage: `${outcome.message} (${claimed.attempt} attempts)`,
          timings: timings(),
        });
        return 'failed';
      }
      await own(tx, claimed, BACK_IN_QUEUE);
      if (!(await deps.queue.retryLater(tx, claimed.claim))) throw new StaleClaim();
      return 'queued';
    case 'interrupted':
      await own(tx, claimed, { ...BACK_IN_QUEUE, attempts: claimed.attempt - 1 });
      if (!(await deps.queue.requeue(tx, claimed.claim))) throw new StaleClaim();
      await notify(tx, 'queued');
      return 'queued';
  }
}

type JobChange = PgUpdateSetSource<typeof job>;

/** Changes the job if it is still ours, at our run. */
async function own(tx: Transaction, { id, run }: ClaimedJob, change: JobChange): Promise<void> {
  const rows = await tx
    .update(job)
    .set(change)
    .where(and(eq(job.id, id), eq(job.status, 'processing'), eq(job.runs, run)))
    .returning({ id: job.id });
  if (rows.length !== 1) throw new StaleClaim();
}

async function end({ queue }: FinishDeps, tx: Transaction, claimed: ClaimedJob, change: JobChange): Promise<void> {
  await own(tx, claimed, { ...change, ...ENDED });
  if (!(await queue.complete(tx, claimed.claim))) throw new StaleClaim();
  await notify(tx, 'ended', claimed.id);
}

/** The worker's own times, and by the database's clock how long the job waited and took in all. */
function timings(pdf?: RenderedPdf) {
  const own = JSON.stringify(pdf?.timings ?? {});
  const since = (from: unknown, until: unknown) => sql`round(extract(epoch from ${until} - ${from}) * 1000)::bigint`;
  return sql`jsonb_build_object('queued', ${since(job.createdAt, job.startedAt)}, 'total', ${since(job.createdAt, sql`now()`)}) || ${own}::text::jsonb`;
}

/** The PDF needs no more what let it in. Where the document came from is still told. */
const WITHOUT_SECRETS = sql`request = ${REQUEST_WITHOUT_SECRETS}, url = ${URL_WITHOUT_SECRETS}`;

/**
 * Everything about a document that is done but its bytes: job, file, charge, attempt and notifier, in one
 * statement, for each further one is a trip to the database and back. It does nothing if the job is no longer ours.
 */
async function complete(
  { queue, store, retentionMs }: FinishDeps,
  tx: Transaction,
  { id, run, userId, fileId, claim }: ClaimedJob,
  pdf: RenderedPdf,
): Promise<void> {
  const [row] = await tx.execute(sql`
    with own as (
      update ${job} set status = 'completed', html = null, ${WITHOUT_SECRETS}, worker_id = null, completed_at = now(),
        failed_resources = ${JSON.stringify(pdf.failedResources.slice(0, KEPT_FAILURES))}::text::jsonb,
        failed_resource_count = ${pdf.failedResources.length}, timings = ${timings(pdf)}
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
  // Whoever died between these two lines and the commit left bytes that no row names. What is ours will be named.
  if (store.kind !== 'postgres') await store.remove(tx, earlierFileIds(id, run));
  if (!(await queue.complete(tx, claim))) throw new StaleClaim();
}
