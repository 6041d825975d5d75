import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import type { Events } from '../telemetry/events.ts';

/** Batches in one pass. */
const REPAIRED = 100;

/**
 * Ends batches that have nothing open, and has those merged whose job for it is gone. The transaction that ends the last
 * item does both, so there are none unless rows were changed past the triggers.
 */
export async function repairBatches({
  db,
  events,
}: {
  db: Database;
  events: { bulk: Pick<Events['bulk'], 'batchRepaired'> };
}): Promise<void> {
  const batches = await db.execute<{ id: string; user_id: string }>(sql`
    select b.id, b.user_id from pdfprompt_batch b
    where b.completed_at is null
      and not exists (select from pdfprompt_batch_count c where c.batch_id = b.id and c.open > 0)
      and not exists (
        select from pdfprompt_job j
        where j.batch_id = b.id and j.batch_row is null and j.status in ('queued', 'processing'))
    limit ${REPAIRED}`);
  for (const { id, user_id: userId } of batches) {
    const isRepaired = await db.transaction(async (tx) => {
      // Looked at again with the row locked: it may have ended, or been cancelled, since.
      const [batch] = await tx.execute(sql`
        select from pdfprompt_batch b where b.id = ${id} and b.completed_at is null for no key update`);
      if (!batch) return false;
      // The job that has merged them without an end of the batch is no longer its own: there will be another.
      await tx.execute(sql`
        update pdfprompt_job set batch_id = null
        where batch_id = ${id} and batch_row is null and status in ('completed', 'failed', 'cancelled')`);
      await tx.execute(sql`
        update pdfprompt_batch b set status = 'processing' where b.id = ${id} and b.status = 'closing'
          and not exists (select from pdfprompt_job j where j.batch_id = b.id and j.batch_row is null)`);
      await tx.execute(sql`select pdfprompt_end_batch(${id})`);
      return true;
    });
    if (isRepaired) events.bulk.batchRepaired({ batchId: id, userId });
  }
}
