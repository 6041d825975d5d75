import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';

/** Hours that an asset is kept to which nothing refers. */
const KEPT_HOURS = 24;
/** Rows in one transaction. */
const BATCH = 200;
/** Batches in one pass; the next pass continues. */
const MAX_BATCHES = 50;

/**
 * Deletes assets that nothing has referred to for a day; triggers see to the bytes. Those that are referred to count as
 * used now, so that each is looked at once a day.
 * @returns how many were deleted
 */
export async function removeUnusedAssets(db: Database): Promise<number> {
  let removed = 0;
  for (let count = 0; count < MAX_BATCHES; count++) {
    const rows = await db.execute<{ removed: number; looked: number }>(sql`
      with due as materialized (
        select a.id,
          exists (select from pdfprompt_template_file f where f.asset_id = a.id)
            or exists (select from pdfprompt_part_file f where f.asset_id = a.id) as is_used
        from pdfprompt_asset a
        where a.used_at < now() - ${KEPT_HOURS} * interval '1 hour'
        order by a.used_at limit ${BATCH} for update skip locked
      ), used as (
        update pdfprompt_asset set used_at = now() where id = any (array(select id from due where is_used))
      ), removed as (
        delete from pdfprompt_asset where id = any (array(select id from due where not is_used)) returning 1
      )
      select (select count(*)::integer from removed) as removed, (select count(*)::integer from due) as looked`);
    const [done] = rows;
    removed += done?.removed ?? 0;
    if ((done?.looked ?? 0) < BATCH) break;
  }
  return removed;
}
