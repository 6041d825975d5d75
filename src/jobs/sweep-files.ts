import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { type FileStore, PARTS } from '../storage/file-store.ts';
import { jobIdRange } from './file-id.ts';

/** Milliseconds from when a PDF is written: a finish is one transaction, which cannot last for as long. */
const ABANDONED_MS = 3_600_000;

/** Files that are asked for in one statement. */
const BATCH = 500;

/**
 * Removes PDFs that a job of this database has left in a part of the directory, while no row of a file names them:
 * of runs that died before their commit, or that expired when the directory could not be reached. What belongs to no
 * job that is known may be another database's, and stays.
 * @returns how many
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
    await store.remove(
      db,
      rows.map(({ id }) => id),
    );
    removed += rows.length;
  }
  return removed;
}
