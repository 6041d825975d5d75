import { and, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm';
import { deleteExpiredSessions } from '../accounts/console-sessions.ts';
import { deleteExpiredLinks } from '../accounts/sign-in-links.ts';
import type { Database } from '../db/pools.ts';
import { file } from '../db/schema.ts';
import type { Stores } from '../storage/stores.ts';
import type { Events } from '../telemetry/events.ts';
import { forgetUploads } from './delete-pdf.ts';
import { REDACTED_REQUEST, WITHOUT_DOCUMENT } from './redacted-request.ts';
import { retryAfterDeadlock } from './retry-after-deadlock.ts';
import { removeUnownedFiles } from './unowned-files.ts';

/** Rows in one transaction, so that it holds its locks only briefly. */
const BATCH = 200;
/** Batches in one pass; the next pass continues. */
const MAX_BATCHES = 50;

/** Days that a job is kept after its PDF has expired: until then it answers 410, afterwards 404. */
const KEPT_DAYS = 30;

export interface ExpireDeps {
  db: Database;
  stores: Stores;
  /** milliseconds that a PDF is kept whose job says nothing */
  retentionMs: number;
  events: Pick<Events, 'backgroundFailed'>;
}

/** Deletes what has expired. @returns how many PDFs, documents of jobs without a PDF, and jobs */
export async function expire(deps: ExpireDeps): Promise<{ files: number; documents: number; jobs: number }> {
  const files = await inBatches(() => retryAfterDeadlock(() => expireFiles(deps)));
  const documents = await ofEach((kept) => retryAfterDeadlock(() => eraseDocuments(deps, kept)));
  await inBatches(() => eraseUploads(deps));
  const jobs = await ofEach((kept) => deleteJobs(deps, kept));
  await inBatches(() => deleteBatches(deps));
  await removeUnownedFiles(deps);
  await inBatches(() => deleteTests(deps));
  await inBatches(() => deleteWebhooks(deps));
  await deleteWorkers(deps);
  await inBatches(() => deleteActions(deps));
  await inBatches(() => deleteExpiredSessions(deps.db, BATCH));
  await inBatches(() => deleteExpiredLinks(deps.db, BATCH));
  return { files, documents, jobs };
}

/** Jobs that are kept as the setting says, and those that have a time of their own: there is an index for each. */
const KEPT = ['default', 'own'] as const;
type Kept = (typeof KEPT)[number];

/** What the index of these is ordered by. Without an order Postgres may go through all that are kept. */
const END: Record<Kept, SQL> = {
  default: sql`completed_at`,
  own: sql`(completed_at at time zone 'utc') + retention_seconds * interval '1 second'`,
};

/** Jobs that ended before their time to be kept, and so many days more. */
function endedLongAgo({ retentionMs }: ExpireDeps, kept: Kept, days = 0): SQL {
  const before = sql`now() - ${days} * interval '1 day'`;
  // As the index has it.
  if (kept === 'own')
    return sql`retention_seconds is not null
      and ${END.own} < (${before}) at time zone 'utc'`;
  return sql`retention_seconds is null and completed_at < ${before} - ${retentionMs / 1000} * interval '1 second'`;
}

async function ofEach(batch: (kept: Kept) => Promise<number>): Promise<number> {
  let sum = 0;
  for (const kept of KEPT) sum += await inBatches(() => batch(kept));
  return sum;
}

async function inBatches(batch: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let count = 0; count < MAX_BATCHES; count++) {
    const done = await batch();
    sum += done;
    if (done < BATCH) break;
  }
  return sum;
}

/**
 * Expires PDFs: their rows stay, so that they answer 410. Bytes in the database go with the transaction; a trigger puts
 * the others on the list of what is to be removed.
 */
async function expireFiles({ db, stores }: ExpireDeps): Promise<number> {
  return db.transaction(async (tx) => {
    const due = await tx
      .select({ id: file.id, jobId: file.jobId, store: file.store })
      .from(file)
      .where(and(isNull(file.expiredAt), lt(file.expiresAt, sql`now()`)))
      .limit(BATCH)
      .for('update', { skipLocked: true }); // another worker handles those
    const ids = due.map((row) => row.id);
    if (ids.length === 0) return 0;
    await tx
      .update(file)
      .set({ expiredAt: sql`now()` })
      .where(inArray(file.id, ids));
    for (const [store, its] of Map.groupBy(due, ({ store: kind }) => stores.of({ store: kind, location: null })))
      if (store?.isInDatabase) await store.remove(tx, its.map(({ id }) => id)); // prettier-ignore
    await forgetUploads(tx, [...new Set(due.map(({ jobId }) => jobId))]);
    return ids.length;
  });
}

/**
 * Deletes documents and credentials (cookies, headers) of jobs that ended without a PDF, after the time that a PDF is
 * kept, and what allowed their uploads. Completed jobs have lost theirs already, except for what may be shown of a source,
 * which goes now too.
 */
async function eraseDocuments(deps: ExpireDeps, kept: Kept): Promise<number> {
  return deps.db.transaction(async (tx) => {
    const rows = await tx.execute<{ id: string }>(sql`
    with due as materialized (
      select id from pdfprompt_job
      where (keeps_parts or html is not null or url is not null or request ?| '{cookies,setExtraHTTPHeaders}'::text[])
        and completed_at is not null and ${endedLongAgo(deps, kept)}
      order by ${END[kept]} limit ${BATCH} for update skip locked
    ), parts as (
      update pdfprompt_part set ${WITHOUT_DOCUMENT}, shown = null where job_id = any (array(select id from due))
    )
    update pdfprompt_job set html = null, url = null, keeps_parts = false, request = ${REDACTED_REQUEST}
    where id = any (array(select id from due))
    returning id`);
    if (rows.length > 0) await forgetUploads(tx, rows.map(({ id }) => id)); // prettier-ignore
    return rows.length;
  });
}

/**
 * Deletes what allows an upload or a report, after the time that a file is kept: the job's own, if that is longer. A shorter
 * one deletes it with the file or the document. The place that it went to stays.
 */
async function eraseUploads({ db, retentionMs }: ExpireDeps): Promise<number> {
  const rows = await db.execute(sql`
    update pdfprompt_delivery set headers = null, url = split_part(url, '?', 1)
    where id = any (array(
      select id from pdfprompt_delivery d
      where kind <> 'webhook' and (headers is not null or position('?' in url) > 0)
        and created_at < now() - ${retentionMs / 1000} * interval '1 second' and ended_at < now() - ${retentionMs / 1000} * interval '1 second'
        and (select d.ended_at > now() - j.retention_seconds * interval '1 second' from pdfprompt_job j where j.id = d.job_id) is not true
      order by created_at limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

/**
 * Deletes jobs that ended long ago, with all their rows. With sub-selects, so that the only plan reads the oldest jobs
 * first; as a join it read every job or every file.
 */
async function deleteJobs(deps: ExpireDeps, kept: Kept): Promise<number> {
  const rows = await deps.db.execute(sql`
    delete from pdfprompt_job where id = any (array(
      select j.id from pdfprompt_job j
      where j.completed_at is not null and ${endedLongAgo(deps, kept, KEPT_DAYS)}
        and coalesce((select bool_and(f.expired_at is not null) from pdfprompt_file f where f.job_id = j.id), true)
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

/** Deletes batches that ended long ago, once the last of their jobs is gone. */
async function deleteBatches({ db, retentionMs }: ExpireDeps): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_batch where id = any (array(
      select b.id from pdfprompt_batch b
      where b.completed_at < now() - ${retentionMs / 1000} * interval '1 second' - ${KEPT_DAYS} * interval '1 day'
        and (select 1 from pdfprompt_job j where j.batch_id = b.id and j.batch_row > 0 limit 1) is null
        and (select 1 from pdfprompt_job j where j.batch_id = b.id and j.batch_row is null limit 1) is null
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

/** Deletes tests of webhooks, which have no job or batch that they could go with. */
async function deleteTests({ db }: ExpireDeps): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_delivery where id = any (array(
      select id from pdfprompt_delivery
      where job_id is null and batch_id is null and created_at < now() - ${KEPT_DAYS} * interval '1 day'
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

/** Deletes webhooks that were deleted so long ago that no transaction can still refer to them, and no delivery does. */
async function deleteWebhooks({ db }: ExpireDeps): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_webhook where id = any (array(
      select w.id from pdfprompt_webhook w
      where w.deleted_at < now() - interval '1 hour'
        and (select 1 from pdfprompt_delivery d where d.webhook_id = w.id limit 1) is null
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

/** Deletes workers that ended long ago, once no attempt refers to them: before, each attempt would have to change. */
async function deleteWorkers({ db }: ExpireDeps): Promise<void> {
  await db.execute(sql`
    delete from pdfprompt_worker w where w.ended_at < now() - ${KEPT_DAYS} * interval '1 day'
      and (select 1 from pdfprompt_job_attempt a where a.worker_id = w.id limit 1) is null`);
}

/** Deletes actions on many jobs that ended long ago: a filter may name a user. */
async function deleteActions({ db }: ExpireDeps): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_bulk_action where id = any (array(
      select id from pdfprompt_bulk_action
      where ended_at < now() - ${KEPT_DAYS} * interval '1 day'
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}
