import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import type { EndedBatch } from '../domain/batch-event.ts';

/** An ended batch, with what is not shown. */
export interface OwnedBatch {
  userId: string;
  batch: EndedBatch;
  /** when, as Postgres writes it. A batch whose failed items are retried ends again, at another time */
  endedAt: string;
}

type Row = Pick<EndedBatch, 'id' | 'status' | 'result' | 'filename' | 'metadata' | 'items' | 'job'> & {
  user_id: string;
  completed_at: string;
  error_code: string | null;
  error_message: string | null;
  pages: string | number | null;
  size: string | number | null;
};

/**
 * What the events of these batches say now.
 * @returns by their ids; batches that are gone, have not ended, or are open again, are missing
 */
export async function batchEvents(db: Queryable, ids: readonly string[]): Promise<Map<string, OwnedBatch>> {
  if (ids.length === 0) return new Map();
  const rows = await db.execute<Row>(endedBatches(sql`b.id = any (${arrayLiteral(ids)}::uuid[])`));
  return new Map([...rows].map((row) => [row.id, toOwnedBatch(row)]));
}

/**
 * The statement that reads ended batches.
 * @param which a condition on the batch `b`
 * @param inOrder of a page, which is found before the rest is read: `order by` and `limit`
 */
export function endedBatches(which: SQL, inOrder = sql``): SQL {
  return sql`
    select b.id, b.user_id, b.status, b.result, b.filename, b.metadata, b.error_code, b.error_message,
      b.completed_at::text as completed_at, merged.id as job, f.pages, f.size,
      json_build_object('total', b.total, 'completed', c.completed, 'failed', c.failed, 'cancelled', c.cancelled,
        'skipped', b.skipped) as items
    from (select * from pdfprompt_batch b where ${which} and b.completed_at is not null ${inOrder}) as b
      cross join lateral (
        select coalesce(sum(completed), 0) as completed, coalesce(sum(failed), 0) as failed, coalesce(sum(cancelled), 0) as cancelled
        from pdfprompt_batch_count where batch_id = b.id
      ) as c
      left join pdfprompt_job merged on merged.batch_id = b.id and merged.batch_row is null
      left join lateral (
        select sum(pages) as pages, sum(size) as size from pdfprompt_file where job_id = merged.id
      ) as f on true
    ${inOrder}`;
}

/** @param row of {@link endedBatches} */
export function toOwnedBatch({
  user_id,
  completed_at,
  error_code,
  error_message,
  pages,
  size,
  ...row
}: Row): OwnedBatch {
  const error = error_code === null ? null : { code: error_code, message: error_message ?? '' };
  const file = size === null ? null : { pages: Number(pages), size: Number(size) };
  const batch = { ...row, error, file, completedAt: new Date(completed_at) };
  return { userId: user_id, batch, endedAt: completed_at };
}
