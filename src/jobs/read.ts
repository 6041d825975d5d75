import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/pools.ts';
import { file, job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { Job, JobStatus } from '../domain/job.ts';
import { priorityName } from '../domain/priority.ts';
import { CodedError, type ErrorCode } from '../kernel/errors.ts';
import type { StoreKind } from '../storage/pdf-store.ts';

/** The job without the document, which may be 10 MB. */
const columns = {
  id: job.id,
  status: job.status,
  priority: job.priority,
  attempts: job.attempts,
  filename: job.filename,
  metadata: job.metadata,
  errorCode: job.errorCode,
  errorMessage: job.errorMessage,
  timings: job.timings,
  failedResources: job.failedResources,
  failedResourceCount: failedResourceCount(),
  createdAt: job.createdAt,
  startedAt: job.startedAt,
  completedAt: job.completedAt,
  file: {
    id: file.id,
    store: file.store,
    size: file.size,
    pages: file.pages,
    sha256: file.sha256,
    expiresAt: file.expiresAt,
    expiredAt: file.expiredAt,
  },
};

/** A job that was completed before it was counted has its list, and so has one that an older worker completes. */
export function failedResourceCount() {
  return sql<number>`greatest(${job.failedResourceCount}, jsonb_array_length(${job.failedResources}))`;
}

const select = (db: Queryable) => db.select(columns).from(job).leftJoin(file, eq(file.jobId, job.id));
type Row = Awaited<ReturnType<typeof select>>[number];

/** Nobody needs to know their place more exactly than this, and counting a long queue costs. */
export const MAX_POSITION = 100;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** One job of its owner. @throws CodedError `not_found`, for another's job too */
export async function getJob(db: Database, { userId, jobId }: { userId: string; jobId: string }): Promise<Job> {
  const { position, ...row } = await findRow(db, userId, jobId);
  return toJob(row, position);
}

/** What is needed to send a job's PDF. @throws CodedError `not_found`, `job_not_ready`, `file_expired` */
export async function getJobFile(
  db: Database,
  input: { userId: string; jobId: string },
): Promise<{
  fileId: string;
  store: StoreKind;
  size: number;
  sha256: string;
  filename: string;
  failedResourceCount: number;
}> {
  const row = await findRow(db, input.userId, input.jobId);
  if (row.status !== 'completed' || !row.file)
    throw new CodedError('job_not_ready', `the job is ${row.status}; a PDF is there when it is completed`);
  if (row.file.expiredAt) throw new CodedError('file_expired', 'the PDF is no longer kept');
  return {
    fileId: row.file.id,
    store: row.file.store,
    size: row.file.size,
    sha256: hex(row.file.sha256),
    filename: withExtension(row.filename ?? row.id),
    failedResourceCount: row.failedResourceCount,
  };
}

/** A page of a user's jobs, newest first. `cursor` is the id of the last job of the page before. */
export async function listJobs(
  db: Queryable,
  input: { userId: string; status?: JobStatus | undefined; limit: number; cursor?: string | undefined },
): Promise<{ data: Job[]; nextCursor: string | null }> {
  const rows = await select(db)
    .where(
      and(
        forTenant(input.userId),
        eq(job.userId, input.userId),
        input.status && eq(job.status, input.status),
        input.cursor ? lt(job.id, input.cursor) : undefined,
      ),
    )
    .orderBy(desc(job.id)) // UUIDv7: the order of creation
    .limit(input.limit + 1);
  const data = rows.slice(0, input.limit).map((row) => toJob(row, null));
  return { data, nextCursor: rows.length > input.limit ? (data.at(-1)?.id ?? null) : null };
}

async function findRow(db: Database, userId: string, jobId: string): Promise<Row & { position: number | null }> {
  const [row] = UUID.test(jobId)
    ? await db
        .select({ ...columns, position })
        .from(job)
        .leftJoin(file, eq(file.jobId, job.id))
        .where(and(forTenant(userId), eq(job.id, jobId), eq(job.userId, userId)))
    : [];
  if (!row) throw new CodedError('not_found', 'there is no such job');
  return row;
}

/** Of a queued job. Other tenants' jobs are ahead of it too, so a function counts that may see them. */
const position = sql<
  number | null
>`case when ${job.isQueued} then pdfprompt_queue_position(${job.rank}, ${job.id}) end`;

/** The place in the queue of a row with `rank` and `id`, as an expression; from {@link MAX_POSITION} on the same for all. */
export function positionOf(row: SQL): SQL {
  return sql`(select count(*)::integer + 1 from (
    select 1 from ${job} as ahead where ahead.is_queued and (ahead.rank, ahead.id) < (${row}.rank, ${row}.id) limit ${MAX_POSITION - 1}
  ) as ahead)`;
}

function toJob(row: Row, position: number | null): Job {
  return {
    id: row.id,
    status: row.status,
    priority: priorityName(row.priority),
    attempts: row.attempts,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    completedAt: row.completedAt?.toISOString() ?? null,
    queuePosition: position,
    timings: row.timings,
    error: row.errorCode === null ? null : { code: row.errorCode as ErrorCode, message: row.errorMessage ?? '' },
    file: row.file && {
      id: row.file.id,
      store: row.file.store,
      size: row.file.size,
      pages: row.file.pages,
      sha256: hex(row.file.sha256),
      url: row.file.expiredAt ? null : `/v1/jobs/${row.id}/pdf`,
      expiresAt: row.file.expiresAt.toISOString(),
    },
    failedResources: row.failedResources,
    failedResourceCount: row.failedResourceCount,
    metadata: row.metadata,
  };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const withExtension = (name: string) => (/\.pdf$/i.test(name) ? name : `${name}.pdf`);
