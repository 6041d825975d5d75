import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Database, Queryable } from '../db/pools.ts';
import { batch } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { Batch, BatchStatus } from '../domain/batch.ts';
import { CodedError } from '../kernel/errors.ts';

type Counts = Pick<Batch['items'], 'open' | 'completed' | 'failed' | 'cancelled'>;

const columns = {
  id: batch.id,
  status: batch.status,
  result: batch.result,
  total: batch.total,
  skipped: batch.skipped,
  skippedRows: batch.skippedRows,
  filename: batch.filename,
  metadata: batch.metadata,
  templates: batch.templates,
  errorCode: batch.errorCode,
  errorMessage: batch.errorMessage,
  createdAt: batch.createdAt,
  completedAt: batch.completedAt,
  counts: sql<Counts>`(
    select jsonb_build_object('open', coalesce(sum(c.open), 0), 'completed', coalesce(sum(c.completed), 0),
      'failed', coalesce(sum(c.failed), 0), 'cancelled', coalesce(sum(c.cancelled), 0))
    from pdfprompt_batch_count c where c.batch_id = pdfprompt_batch.id)`,
  job: sql<
    string | null
  >`(select j.id from pdfprompt_job j where j.batch_id = pdfprompt_batch.id and j.batch_row is null)`,
};

const select = (db: Queryable) => db.select(columns).from(batch);
type Row = Awaited<ReturnType<typeof select>>[number];

/** A batch of its owner. @throws CodedError `not_found`, for another tenant's batch too */
export async function getBatch(db: Database, { userId, batchId }: { userId: string; batchId: string }): Promise<Batch> {
  const [row] = isUuid(batchId)
    ? await select(db).where(and(forTenant(userId), eq(batch.id, batchId), eq(batch.userId, userId)))
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such batch');
  return toBatch(row);
}

/** A page of a tenant's batches, newest first. `cursor` is the id of the last batch of the page before. */
export async function listBatches(
  db: Queryable,
  input: { userId: string; status?: BatchStatus | undefined; limit: number; cursor?: string | undefined },
): Promise<{ data: Batch[]; nextCursor: string | null }> {
  const rows = await select(db)
    .where(
      and(
        forTenant(input.userId),
        eq(batch.userId, input.userId),
        input.status && eq(batch.status, input.status),
        input.cursor ? lt(batch.id, input.cursor) : undefined,
      ),
    )
    .orderBy(desc(batch.id)) // UUIDv7: the order of creation
    .limit(input.limit + 1);
  const data = rows.slice(0, input.limit).map(toBatch);
  return { data, nextCursor: rows.length > input.limit ? (data.at(-1)?.id ?? null) : null };
}

function toBatch(row: Row): Batch {
  const { total, skipped } = row;
  const { open, completed, failed, cancelled } = row.counts;
  return {
    id: row.id,
    status: row.status,
    result: row.result,
    items: { total, open, completed, failed, cancelled, skipped },
    skippedRows: row.skippedRows,
    filename: row.filename,
    metadata: row.metadata,
    templates: row.templates ?? [],
    error: row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
    job: row.job,
    createdAt: row.createdAt.toISOString(),
    completedAt: row.completedAt?.toISOString() ?? null,
  };
}
