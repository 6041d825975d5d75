import { and, eq, isNull, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Database } from '../db/pools.ts';
import { batch, batchCount, job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { Batch } from '../domain/batch.ts';
import { CodedError } from '../kernel/errors.ts';

/** A batch of a tenant. @throws CodedError `not_found`, for another tenant's too */
export async function getBatch(
  reads: Database,
  { userId, batchId }: { userId: string; batchId: string },
): Promise<Batch> {
  const sum = (column: 'open' | 'completed' | 'failed' | 'cancelled') =>
    sql<number>`coalesce((select sum(${batchCount[column]})::integer from ${batchCount} where ${batchCount.batchId} = ${batch.id}), 0)`;
  const [row] = isUuid(batchId)
    ? await reads
        .select({
          batch,
          open: sum('open'),
          completed: sum('completed'),
          failed: sum('failed'),
          cancelled: sum('cancelled'),
          job: sql<
            string | null
          >`(select ${job.id} from ${job} where ${job.batchId} = ${batch.id} and ${isNull(job.batchRow)})`,
        })
        .from(batch)
        .where(and(forTenant(userId), eq(batch.id, batchId), eq(batch.userId, userId)))
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such batch');
  const { id, status, result, total, skipped, skippedRows, filename, metadata, templates, errorCode, errorMessage } = row.batch; // prettier-ignore
  const { open, completed, failed, cancelled } = row;
  return {
    id,
    status,
    result,
    items: { total, open, completed, failed, cancelled, skipped },
    skippedRows,
    filename,
    metadata,
    templates: templates ?? [],
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
    job: row.job,
    createdAt: row.batch.createdAt.toISOString(),
    completedAt: row.batch.completedAt?.toISOString() ?? null,
  };
}
