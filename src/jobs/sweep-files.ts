import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { file, job, unownedFile } from '../db/schema.ts';
import { PARTS } from '../storage/file-store.ts';
import type { Stores } from '../storage/stores.ts';

/*
 * For this release only; the next one drops it, with `Store.list`. The last release put a PDF into its directory without
 * saying so first, and swept the directory for what was left there. Its workers may still run while this one is installed.
 */

/** Milliseconds after which a PDF without a row is abandoned: the transaction that finishes a job cannot take that long. */
const ABANDONED_MS = 3_600_000;

/** Files in one statement. */
const BATCH = 500;

/**
 * Puts what the last release has left in the directory on the list of what is to be removed: files without a row, since
 * their worker died before its commit, and those whose row expired while nobody could reach them. The last release made
 * a file's id from its job's, with the run in the last byte. So a file is known to be of this database; those of unknown
 * jobs stay, and those of this release have ids of their own.
 * @param part which subdirectory, as in `Store.list`; any whole number, which wraps around
 * @returns how many
 */
export async function sweepFiles(
  { db, stores: { current } }: { db: Database; stores: Stores },
  part: number,
): Promise<number> {
  const old = (await current.list?.(part % PARTS, ABANDONED_MS)) ?? [];
  let found = 0;
  for (let at = 0; at < old.length; at += BATCH) {
    const batch = old.slice(at, at + BATCH).map((id) => {
      const start = id.slice(0, -2);
      return { id, first: `${start}00`, last: `${start}ff` };
    });
    // While the job is processing, that run may still name the file. With sub-selects, so that only a few rows are read.
    const rows = await db.execute(sql`
      insert into ${unownedFile} (id, store, location)
      select f.id, ${current.kind}, ${current.location}
      from json_to_recordset(${JSON.stringify(batch)}::text::json) as f (id uuid, first uuid, last uuid)
      where (select status <> 'processing' from ${job} where id between f.first and f.last limit 1)
        and (select 1 from ${file} named where named.id = f.id and named.expired_at is null) is null
        and (select 1 from ${unownedFile} known where known.id = f.id) is null
      on conflict do nothing returning 1`);
    found += rows.length;
  }
  return found;
}
