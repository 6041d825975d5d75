import { and, desc, eq, inArray, lt, type Placeholder, type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Database, Queryable } from '../db/pools.ts';
import { preparedQuery } from '../db/prepared.ts';
import { file, fileChunk, job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { isFiltered, type JobFilter } from '../domain/job-filter.ts';
import type { Job, JobDetails, JobFile, JobStatus } from '../domain/job.ts';
import type { ConsoleMessage } from '../domain/page-report.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import { shownStatus } from '../domain/delivery-status.ts';
import { priorityName } from '../domain/priority.ts';
import { resultName, zipName } from '../domain/result-name.ts';
import { uniqueName } from '../domain/unique-name.ts';
import { CodedError, type ErrorCode } from '../kernel/errors.ts';
import { pageOfIds } from './page-of-ids.ts';
import { placeOf } from './place-text.ts';
import { isPaused } from './pauses.ts';

/** The columns that {@link toFile} takes, and the file's place in its job. */
export const FILE_COLUMNS = {
  id: file.id,
  position: file.position,
  store: file.store,
  location: file.location,
  size: file.size,
  pages: file.pages,
  type: file.type,
  name: file.name,
  part: file.part,
  sha256: file.sha256,
  expiresAt: file.expiresAt,
  expiredAt: file.expiredAt,
};

/** Retries that are named. */
const MAX_RETRIES = 20;

/** A job without its document, which may be 10 MB. */
const columns = {
  id: job.id,
  status: job.status,
  priority: job.priority,
  attempts: job.attempts,
  filename: job.filename,
  metadata: job.metadata,
  templates: job.templates,
  errorCode: job.errorCode,
  errorMessage: job.errorMessage,
  timings: job.timings,
  failedResources: job.failedResources,
  failedResourceCount: countFailedResources(),
  missingFonts: job.missingFonts,
  incomplete: job.incomplete,
  createdAt: acceptedAt(),
  runAt: job.runAt,
  startedAt: job.startedAt,
  completedAt: job.completedAt,
  batchId: job.batchId,
  batchRow: job.batchRow,
  retryOf: job.retryOf,
  paused: sql<boolean>`${job.isQueued} and ${isPaused({ tier: sql`${job.tier}`, userId: sql`${job.userId}` })}`,
  file: FILE_COLUMNS,
  upload: uploadOf(),
};

/** When a job was accepted: one that was scheduled came into the queue later. */
export function acceptedAt() {
  return sql<Date>`coalesce(${job.acceptedAt}, ${job.createdAt})`.mapWith(job.createdAt);
}

/** The column lacks the count if an older version completed the job; the list has at least its length. */
export function countFailedResources() {
  return sql<number>`greatest(${job.failedResourceCount}, jsonb_array_length(${job.failedResources}))`;
}

/** As a sub-select it is looked for job by job; a join may read everybody's. The kind is a literal, for which there is an index. */
function uploadOf() {
  return sql<{ status: DeliveryStatus; attempts: number; error: string | null } | null>`(
    select jsonb_build_object('status', d.status, 'attempts', d.attempts, 'error', (
      select coalesce(a.error, case when a.status not between 200 and 299 then 'it answered ' || a.status end)
      from pdfprompt_delivery_attempt a where a.delivery_id = d.id and a.number = d.attempts))
    from pdfprompt_delivery d where d.job_id = ${job.id} and d.kind = 'upload' limit 1)`;
}

const fileAt = (position: number | Placeholder) => and(eq(file.jobId, job.id), eq(file.position, position));
const select = (db: Queryable) => db.select(columns).from(job).leftJoin(file, fileAt(0));
type Row = Awaited<ReturnType<typeof select>>[number];

/** A job of its owner. @throws CodedError `not_found`, for another tenant's job too */
export async function getJob(db: Database, { userId, jobId }: { userId: string; jobId: string }): Promise<JobDetails> {
  const [row] = isUuid(jobId) ? await readJob(db, { userId, jobId }) : [];
  if (!row) throw new CodedError('not_found', 'there is no such job');
  const { report, retriedAs } = row;
  return {
    ...toJob(row, row.position),
    retriedAs,
    consoleMessages: report?.messages ?? [],
    consoleMessageCount: report?.count ?? 0,
    failurePicture: report?.hasPicture ? `/v1/jobs/${row.id}/picture` : null,
  };
}

const readJob = preparedQuery((db) =>
  db
    .select({ ...columns, position, report: reportOf(), retriedAs: retriesOf() })
    .from(job)
    .leftJoin(file, fileAt(0))
    .where(isJobOf())
    .prepare('job'),
);

/** A job of its owner, by placeholders. */
function isJobOf() {
  const [userId, jobId] = [sql.placeholder('userId'), sql.placeholder('jobId')];
  return and(forTenant(userId), eq(job.id, jobId), eq(job.userId, userId));
}

/** Of a job that has ended: no other has one to look for. */
function reportOf() {
  return sql<{
    messages: ConsoleMessage[];
    count: number;
    hasPicture: boolean;
  } | null>`case when ${job.completedAt} is not null then (
    select jsonb_build_object('messages', r.messages, 'count', r.message_count, 'hasPicture', r.picture is not null)
    from pdfprompt_page_report r where r.job_id = ${job.id}) end`;
}

/**
 * The retries of a job, oldest first. Only one that failed or was cancelled has any. They are found first, and ordered then:
 * to have them in order Postgres might read all jobs of the user.
 */
export function retriesOf() {
  return sql<string[]>`case when ${job.status} in ('failed', 'cancelled') then to_jsonb(array(
    select r.id from (select j.id from pdfprompt_job j where j.retry_of = ${job.id} offset 0) as r order by r.id limit ${MAX_RETRIES}))
    else '[]' end`;
}

/** Where and what a file of a job is. */
export type FoundFile = Awaited<ReturnType<typeof getJobFile>>;

/**
 * Where and what a file of a job is.
 * @param position of the file among those of its job, from 0
 * @param isSent reads the bytes of a small file as well
 * @param noSuchFile of a job without it
 * @throws CodedError `not_found`, `job_not_ready`, `file_expired`
 */
export async function getJobFile(
  db: Database,
  { isSent = false, ...input }: { userId: string; jobId: string; position: number; isSent?: boolean },
  noSuchFile = () => new CodedError('not_found', 'the job has no such file'),
) {
  const { jobId, position: at } = input;
  const [found] = isUuid(jobId) ? await (isSent ? readJobFileWithBytes : readJobFile)(db, input) : [];
  if (!found) throw new CodedError('not_found', 'there is no such job');
  const { status, file: kept, failedResourceCount, incomplete, ...row } = found;
  if (status !== 'completed') throw notReady(status);
  if (!kept) throw noSuchFile();
  if (kept.expiredAt) throw new CodedError('file_expired', 'the PDF is no longer kept');
  const { id: fileId, store, location, size, type, name, expiresAt } = kept;
  const filename = name ?? resultName(row.filename ?? row.id, { position: at, type });
  return {
    fileId,
    store,
    location,
    size,
    type,
    sha256: hex(kept.sha256),
    filename,
    first: row.bytes ?? undefined,
    expiresAt,
    linkRevocations: row.linkRevocations,
    failedResourceCount,
    incomplete,
  };
}

/** All files of a completed job, in their order. @throws CodedError `not_found`, `job_not_ready` */
export async function listJobFiles(db: Database, input: { userId: string; jobId: string }): Promise<JobFile[]> {
  const { id, files } = await findFiles(db, input);
  return files.map((row) => toFile(row, `/v1/jobs/${id}/files/${row.position}`));
}

/**
 * Where and what all files of a job are, in their order, to be sent as one zip.
 * @throws CodedError `not_found`, `job_not_ready`, `file_expired`
 */
export async function getJobZip(db: Database, input: { userId: string; jobId: string }) {
  const { id, filename, completedAt, files, ...row } = await findFiles(db, input);
  if (files.length === 0) throw new CodedError('not_found', 'the job has no files');
  if (files.some(({ expiredAt }) => expiredAt)) throw new CodedError('file_expired', 'the PDF is no longer kept');
  const name = filename ?? id;
  const taken = new Set<string>();
  return {
    ...row,
    name: zipName(name),
    completedAt: completedAt ?? new Date(0),
    files: files.map(({ id: fileId, position: at, store, location, size, type, sha256, name: own, part }) => ({
      fileId,
      store,
      location,
      size,
      sha256: hex(sha256),
      part,
      name: uniqueName(own ?? resultName(name, { position: at, type }), at + 1, taken),
    })),
  };
}

/** @throws CodedError `not_found`, `job_not_ready` */
async function findFiles(db: Database, { userId, jobId }: { userId: string; jobId: string }) {
  const rows = isUuid(jobId)
    ? await db
        .select({
          id: job.id,
          status: job.status,
          filename: job.filename,
          completedAt: job.completedAt,
          failedResourceCount: countFailedResources(),
          incomplete: job.incomplete,
          file: columns.file,
        })
        .from(job)
        .leftJoin(file, eq(file.jobId, job.id))
        .where(and(forTenant(userId), eq(job.id, jobId), eq(job.userId, userId)))
    : [];
  const [first] = rows;
  if (!first) throw new CodedError('not_found', 'there is no such job');
  const { status, file: _, ...row } = first;
  if (status !== 'completed') throw notReady(status);
  return { ...row, files: rows.flatMap((each) => each.file ?? []).toSorted((a, b) => a.position - b.position) };
}

/** For a job that has no PDF: it has not ended, or not well. */
export const notReady = (status: JobStatus) =>
  new CodedError('job_not_ready', `the job is ${status}; a PDF is there when it is completed`);

/**
 * A page of a tenant's jobs that a filter finds, newest first; items of a batch in the order of their rows, and those of more
 * than a hundred values with one beginning in the order of these. `cursor` is the `nextCursor` of the page before.
 * @throws CodedError `invalid_request` for a cursor that is none
 */
export async function listJobs(
  db: Queryable,
  input: { userId: string; filter: JobFilter; limit: number; cursor?: string | undefined },
): Promise<{ data: Job[]; nextCursor: string | null }> {
  const { userId, filter, ...page } = input;
  const { status, ...more } = filter;
  if (isFiltered(more)) {
    const { ids, next } = await pageOfIds(db, { filter, ...page }, userId);
    if (ids.length === 0) return { data: [], nextCursor: next };
    const rows = await select(db).where(and(forTenant(userId), eq(job.userId, userId), inArray(job.id, ids)));
    const found = new Map(rows.map((row) => [row.id, toJob(row, null)]));
    return { data: ids.flatMap((id) => found.get(id) ?? []), nextCursor: next };
  }
  const after = page.cursor === undefined ? undefined : placeOf(page.cursor).id;
  const rows = await select(db)
    .where(
      and(
        forTenant(userId),
        eq(job.userId, userId),
        status && eq(job.status, status),
        after === undefined ? undefined : lt(job.id, after),
      ),
    )
    .orderBy(desc(job.id)) // UUIDv7: the order of creation
    .limit(page.limit + 1);
  const data = rows.slice(0, page.limit).map((row) => toJob(row, null));
  return { data, nextCursor: rows.length > page.limit ? (data.at(-1)?.id ?? null) : null };
}

/** Bytes of a file that is read with its row, at most. */
const SMALL_BYTES = 131_072;

/** The only piece of a small file in the database. */
function smallFile() {
  return sql<Uint8Array | null>`case when ${file.store} = 'postgres' and ${file.size} <= ${sql.raw(String(SMALL_BYTES))}
    then (select c.bytes from ${fileChunk} c where c.file_id = ${file.id} and c.seq = 0) end`;
}

const jobFileReader = (bytes: SQL<Uint8Array | null>) =>
  preparedQuery((db) =>
    db
      .select({
        id: job.id,
        status: job.status,
        filename: job.filename,
        failedResourceCount: countFailedResources(),
        incomplete: job.incomplete,
        linkRevocations: job.linkRevocations,
        file: FILE_COLUMNS,
        bytes,
      })
      .from(job)
      .leftJoin(file, fileAt(sql.placeholder('position')))
      .where(isJobOf())
      .prepare('job_file'),
  );
const readJobFile = jobFileReader(sql`null`);
const readJobFileWithBytes = jobFileReader(smallFile());

/** The position of a queued job. A database function counts it, because the role cannot see other tenants' jobs. */
const position = sql<
  number | null
>`case when ${job.isQueued} then pdfprompt_queue_position(${job.rank}, ${job.id}) end`;

function toJob(row: Row, position: number | null): Job {
  return {
    id: row.id,
    status: row.status,
    priority: priorityName(row.priority),
    attempts: row.attempts,
    createdAt: row.createdAt.toISOString(),
    runAt: row.runAt?.toISOString() ?? null,
    startedAt: row.startedAt?.toISOString() ?? null,
    completedAt: row.completedAt?.toISOString() ?? null,
    queuePosition: row.paused ? null : position,
    paused: row.paused,
    timings: row.timings,
    error: row.errorCode === null ? null : { code: row.errorCode as ErrorCode, message: row.errorMessage ?? '' },
    file: row.file && toFile(row.file, `/v1/jobs/${row.id}/pdf`),
    failedResources: row.failedResources,
    failedResourceCount: row.failedResourceCount,
    missingFonts: row.missingFonts,
    incomplete: row.incomplete,
    metadata: row.metadata,
    templates: row.templates ?? [],
    upload: row.upload && { ...row.upload, status: shownStatus(row.upload.status) },
    batch: row.batchId === null ? null : { id: row.batchId, row: row.batchRow },
    retryOf: row.retryOf,
  };
}

/** A file as its owner sees it. */
export function toFile(row: NonNullable<Row['file']>, url: string): JobFile {
  return {
    id: row.id,
    store: row.store,
    location: row.location,
    size: row.size,
    pages: row.pages,
    type: row.type,
    name: row.name,
    part: row.part,
    sha256: hex(row.sha256),
    url: row.expiredAt ? null : url,
    expiresAt: row.expiresAt.toISOString(),
  };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
