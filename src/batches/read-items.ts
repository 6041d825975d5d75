import { and, asc, eq, gt, isNotNull, sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { file, job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { BatchItem } from '../domain/batch.ts';
import type { JobStatus } from '../domain/job.ts';
import { FILE_COLUMNS, toFile } from '../jobs/read.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import { isOwner } from './is-owner.ts';

const columns = {
  row: job.batchRow,
  job: job.id,
  status: job.status,
  filename: job.filename,
  metadata: job.metadata,
  errorCode: job.errorCode,
  errorMessage: job.errorMessage,
  completedAt: job.completedAt,
  file: FILE_COLUMNS,
  files: sql<number>`(select count(*)::integer from pdfprompt_file f where f.job_id = ${job.id})`,
};

const select = (db: Database) =>
  db
    .select(columns)
    .from(job)
    .leftJoin(file, and(eq(file.jobId, job.id), eq(file.position, 0)));
type Row = Awaited<ReturnType<typeof select>>[number];

/**
 * A page of a batch's items, by row. Those that failed or were cancelled are found without reading the others.
 * @param input.after the row of the last item of the page before; 0: from the first
 * @returns `next`: the row to go on after; null: that was all
 */
export async function listItems(
  db: Database,
  input: { userId: string; batchId: string; status?: JobStatus | undefined; after: number; limit: number },
): Promise<{ items: BatchItem[]; next: number | null }> {
  const rows = await select(db)
    .where(
      and(
        forTenant(input.userId),
        isOwner(input.userId, input.batchId),
        eq(job.batchId, input.batchId),
        isNotNull(job.batchRow),
        gt(job.batchRow, input.after),
        // A literal, as the index has it.
        input.status && sql`${job.status} = ${sql.raw(`'${input.status}'`)}`,
      ),
    )
    .orderBy(asc(job.batchRow))
    .limit(input.limit + 1);
  const items = rows.slice(0, input.limit).map(toItem);
  return { items, next: rows.length > input.limit ? (items.at(-1)?.row ?? null) : null };
}

function toItem({ errorCode, errorMessage, completedAt, ...row }: Row): BatchItem {
  return {
    row: row.row ?? 0,
    job: row.job,
    status: row.status,
    filename: row.filename,
    metadata: row.metadata,
    error: errorCode === null ? null : { code: errorCode as ErrorCode, message: errorMessage ?? '' },
    file: row.file && toFile(row.file, `/v1/jobs/${row.job}/pdf`),
    files: row.files,
    completedAt: completedAt?.toISOString() ?? null,
  };
}
