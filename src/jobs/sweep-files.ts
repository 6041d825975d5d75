import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { type FileStore, PARTS } from '../storage/file-store.ts';
import { jobIdRange } from './file-id.ts';

/** Milliseconds after which a PDF without a row is abandoned: the transaction that finishes a job cannot take that long. */
const ABANDONED_MS = 3_600_000;

/** Files checked in one statement. */
const BATCH = 500;

/**
 * Removes files of this database's jobs that are not needed: those without a row, because the run died before its
 * commit, and those whose row has expired, because the directory could not be reached then. Files of unknown jobs
 * stay: they may belong to another database.
 * @param part which subdirectory, as in {@link FileStore.list}; any whole number, which wraps around
 * @returns how many were removed
 */
export async function sweepFiles(
  { db, store }: { db: Database; store: Pick<FileStore, 'list' | 'remove'> },
  { part, olderThanMs = ABANDONED_MS }: { part: number; olderThanMs?: number },
): Promise<number> {
  const old = await store.list(part % PARTS, olderThanMs);
  let removed = 0;
  for (let at = 0; at < old.length; at += BATCH) {
    const batch = old.slice(at, at + BATCH).map((id) => ({ id, ...jobIdRange(id) }));
    const rows = await db.execute<{ id: string }>(sql`
      select f.id from json_to_recordset(${JSON.stringify(batch)}::text::json) as f (id uuid, first uuid, last uuid)
      where (select 1 from pdfprompt_job j where j.id between f.first and f.last limit 1) is not null
        and (select 1 from pdfprompt_file named where named.id = f.id and named.expired_at is null) is null`);
    const ids = rows.map(({ id }) => id);
    await store.remove(db, ids);
    removed += ids.length;
  }
  return removed;
}
