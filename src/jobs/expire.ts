import { and, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { deleteExpiredSessions } from '../accounts/console-sessions.ts';
import type { Database } from '../db/pools.ts';
import { file } from '../db/schema.ts';
import type { PdfStores } from '../storage/pdf-stores.ts';
import { removeLeftFiles } from './erase-user.ts';
import { REQUEST_WITHOUT_SECRETS } from './without-secrets.ts';

/** Rows in one transaction: short enough to be in nobody's way. */
const BATCH = 200;
/** Batches in one pass; what is left waits for the next. */
const MOST_BATCHES = 50;

/** Days for which a job is still told of after its PDF has expired; until then it answers 410, from then on 404. */
const TOLD_DAYS = 30;

/** Hours after which a PDF expires even where its bytes cannot be reached: until then, somebody who can removes them. */
const UNREACHED_HOURS = 24;

export interface ExpireDeps {
  db: Database;
  stores: PdfStores;
  /** milliseconds that a PDF is kept */
  retentionMs: number;
}

/** Forgets what has been kept for long enough. @returns how many PDFs, documents without a PDF, and jobs */
export async function expire(deps: ExpireDeps): Promise<{ files: number; documents: number; jobs: number }> {
  const files = await inBatches(() => expireFiles(deps));
  const documents = await inBatches(() => eraseDocuments(deps));
  const jobs = await inBatches(() => deleteJobs(deps));
  await inBatches(() => removeLeftFiles(deps, BATCH));
  await deleteWorkers(deps);
  await inBatches(() => deleteExpiredSessions(deps.db, BATCH));
  return { files, documents, jobs };
}

async function inBatches(batch: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let count = 0; count < MOST_BATCHES; count++) {
    const done = await batch();
    sum += done;
    if (done < BATCH) break;
  }
  return sum;
}

/** The bytes of PDFs whose time is over go; their rows stay, so that they answer 410. */
async function expireFiles({ db, stores }: ExpireDeps): Promise<number> {
  return db.transaction(async (tx) => {
    const due = await tx
      .select({ id: file.id, store: file.store })
      .from(file)
      .where(
        and(
          isNull(file.expiredAt),
          lt(file.expiresAt, sql`now()`),
          or(
            inArray(file.store, stores.kinds),
            lt(file.expiresAt, sql`now() - ${UNREACHED_HOURS} * interval '1 hour'`),
          ),
        ),
      )
      .limit(BATCH)
      .for('update', { skipLocked: true }); // another worker is at those
    const ids = due.map((row) => row.id);
    if (ids.length === 0) return 0;
    await tx
      .update(file)
      .set({ expiredAt: sql`now()` })
      .where(inArray(file.id, ids));
    // Before the commit: a crash in between leaves a row that is tried again, not bytes that nobody knows of.
    for (const kind of stores.kinds) {
      const its = due.filter((row) => row.store === kind).map((row) => row.id);
      await stores.of(kind)?.remove(tx, its);
    }
    return ids.length;
  });
}

/**
 * What was asked for, with the cookies and headers for it: of jobs that failed or were cancelled kept as long as their
 * PDF would have been. Of those that have one, only where it came from is left by then.
 */
async function eraseDocuments({ db, retentionMs }: ExpireDeps): Promise<number> {
  const rows = await db.execute(sql`
    update pdfprompt_job set html = null, url = null, request = ${REQUEST_WITHOUT_SECRETS}
    where id = any (array(
      select id from pdfprompt_job
      where (html is not null or url is not null or request ?| '{cookies,setExtraHTTPHeaders}'::text[])
        and completed_at < now() - ${retentionMs / 1000} * interval '1 second'
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

/**
 * Jobs that ended long ago, with all that belongs to them. Written so that there is one way to read them,
 * from the oldest on: as joins, they were read by reading every job or every file that is kept.
 */
async function deleteJobs({ db, retentionMs }: ExpireDeps): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_job where id = any (array(
      select j.id from pdfprompt_job j
      where j.completed_at < now() - ${retentionMs / 1000} * interval '1 second' - ${TOLD_DAYS} * interval '1 day'
        and coalesce((select f.expired_at is not null from pdfprompt_file f where f.job_id = j.id), true)
      limit ${BATCH} for update skip locked))
    returning 1`);
  return rows.length;
}

/** Workers that ended long ago, once no attempt names them: until then it would take a change of each. */
async function deleteWorkers({ db }: ExpireDeps): Promise<void> {
  await db.execute(sql`
    delete from pdfprompt_worker w where w.ended_at < now() - ${TOLD_DAYS} * interval '1 day'
      and (select 1 from pdfprompt_job_attempt a where a.worker_id = w.id limit 1) is null`);
}
