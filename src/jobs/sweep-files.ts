import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { type FileStore, PARTS } from '../storage/file-store.ts';
import { jobIdRange } from './file-id.ts';

/** Milliseconds since a PDF was written: the transaction that finishes its job cannot take that long. */
const ABANDONED_MS = 3_600_000;

/** Files checked in one statement. */
const BATCH = 500;

/**
 * Removes files that belong to a job of this database, but have no row: of runs that died before their commit, and of
 * PDFs that expired while the directory could not be reached. Files of unknown jobs stay: they may belong to another
 * database.
 * @param part of the directory, as for {@link FileStore.list}
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
