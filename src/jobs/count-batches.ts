import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { type BatchFigures, MOST_COUNTED_BATCHES } from '../domain/batch-figures.ts';
import { IS_PAUSED } from './pauses.ts';

/** What is open and not paused, by the counters of the batches: sixteen rows for each, instead of its items. */
export async function countBatches(db: Queryable): Promise<BatchFigures> {
  const [row] = await db.execute<Omit<BatchFigures, 'oldestSeconds'> & { seconds: number | null }>(sql`
    select count(*)::integer as batches, coalesce(sum(counts.open), 0)::integer as items,
      extract(epoch from clock_timestamp() - min(b.created_at))::double precision as seconds
    from (
      select id, created_at from pdfprompt_batch as j where completed_at is null and not ${IS_PAUSED} order by id limit ${sql.raw(String(MOST_COUNTED_BATCHES))}
    ) as b, lateral (
      select sum(c.open) as open from pdfprompt_batch_count c where c.batch_id = b.id
    ) as counts`);
  if (!row) throw new Error('the batches could not be counted');
  const { seconds, ...counts } = row;
  return { ...counts, oldestSeconds: Math.max(0, seconds ?? 0) };
}
