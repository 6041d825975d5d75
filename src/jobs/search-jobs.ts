import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import type { JobStatus } from '../domain/job.ts';
import { type Priority, priorityName } from '../domain/priority.ts';

/** A job in a list over all tenants. */
export interface ListedJob {
  id: string;
  status: JobStatus;
  priority: Priority;
  /** the user's tier when it was accepted; empty: not recorded */
  tier: string;
  email: string;
  filename: string | null;
  attempts: number;
  createdAt: Date;
  /** null: at once */
  runAt: Date | null;
  /** when it came into the queue */
  queuedAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  errorCode: string | null;
  /** null without a PDF */
  pages: number | null;
}

type Row = Omit<ListedJob, 'priority' | 'createdAt' | 'runAt' | 'queuedAt' | 'startedAt' | 'completedAt'> & {
  priority: number;
  createdAt: string;
  runAt: string | null;
  queuedAt: string;
  startedAt: string | null;
  completedAt: string | null;
};

interface SearchInput {
  filter: JobFilter;
  /** jobs on a page */
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

/** A job that a filter finds, for work on many. */
export interface FoundId {
  id: string;
  userId: string;
}

export interface FoundJobs {
  jobs: ListedJob[];
  /** the cursor of the next page; null: there is none */
  next: string | null;
}

/** Of a count: jobs that are read at a time, and how often. */
const PAGE = 1_000;
const MAX_PAGES = 50;

/** Completed jobs, which are most of all jobs, are searched in windows of this many jobs, newest first. */
const WINDOW = 5_000;

/** A page of jobs of all tenants, or of one, newest first; of all scheduled ones the next first. */
export async function searchJobs(db: Queryable, { limit, filter, cursor }: SearchInput): Promise<FoundJobs> {
  const input = { status: filter.status, userId: filter.user, cursor };
  const rows = await db.execute<Row>(sql`
    with page as materialized (
      select id, row_number() over () as place from (${pageOf({ ...input, limit: limit + 1 })}) as found)
    select found.*, (select sum(f.pages)::integer from pdfprompt_file f where f.job_id = found.id) as pages
    from page, lateral (
      select j.id, j.status, j.priority, j.tier, u.email, j.filename, j.attempts, coalesce(j.accepted_at, j.created_at) as "createdAt",
        j.created_at as "queuedAt", j.run_at as "runAt",
        j.started_at as "startedAt", j.completed_at as "completedAt", j.error_code as "errorCode"
      from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id where j.id = page.id limit 1
    ) as found order by page.place`);
  const jobs = rows.slice(0, limit).map(toListedJob);
  if (rows.length > limit) return { jobs, next: jobs.at(-1)?.id ?? null };
  if (input.status !== 'completed' || input.userId !== undefined) return { jobs, next: null };
  return { jobs, next: await endOfWindow(db, input.cursor) };
}

interface PlainInput {
  status: JobStatus | undefined;
  userId: string | undefined;
  limit: number;
  cursor: string | undefined;
}

/**
 * The ids of a page of a filter's jobs, in the order of {@link searchJobs}. A page may be empty and not be the last:
 * go on until `next` is null.
 */
export async function findJobIds(
  db: Queryable,
  input: SearchInput,
): Promise<{ found: FoundId[]; next: string | null }> {
  const { jobs, next } = await searchJobs(db, input);
  const rows = await Promise.all(jobs.map(async ({ id }) => ({ id, owner: await findOwner(db, id) })));
  return { found: rows.flatMap(({ id, owner }) => (owner ? [{ id, ...owner }] : [])), next };
}

/**
 * How many jobs a filter finds, and of how many users.
 * @param max jobs that are counted; `isMore`: there are more, or what is left was not looked at
 */
export async function countJobs(
  db: Queryable,
  filter: JobFilter,
  { max }: { max: number },
): Promise<{ count: number; users: number; isMore: boolean }> {
  const users = new Set<string>();
  let count = 0;
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { found, next } = await findJobIds(db, { filter, limit: Math.min(PAGE, max - count), cursor });
    for (const { userId } of found) users.add(userId);
    count += found.length;
    if (next === null) return { count, users: users.size, isMore: false };
    if (count >= max) break;
    cursor = next;
  }
  return { count, users: users.size, isMore: true };
}

/** The ids of a page in their order. Each kind of search has one index, and a query that can use no other. */
function pageOf({ status, userId, limit: number, cursor }: PlainInput): SQL {
  const limit = literal(number);
  const after = afterCursor(cursor);
  if (userId !== undefined) {
    const ofStatus = status === undefined ? sql`true` : sql`status = ${status}`;
    return sql`select id from pdfprompt_job where user_id = ${userId} and ${ofStatus} and ${after} order by id desc limit ${limit}`;
  }
  switch (status) {
    case undefined:
      return sql`select id from pdfprompt_job where ${after} order by id desc limit ${limit}`;
    case 'scheduled': {
      // The next one first.
      const later =
        cursor === undefined
          ? sql`true`
          : sql`(run_at, id) > (select run_at, id from pdfprompt_job where id = ${cursor})`;
      return sql`select id from pdfprompt_job where status = 'scheduled' and ${later} order by run_at, id limit ${limit}`;
    }
    case 'queued': {
      // By time of acceptance: the index of the queued jobs has no other order.
      const before =
        cursor === undefined
          ? sql`true`
          : sql`(created_at, id) < (select created_at, id from pdfprompt_job where id = ${cursor})`;
      return sql`select id from pdfprompt_job where status = 'queued' and ${before} order by created_at desc, id desc limit ${limit}`;
    }
    case 'processing': // no more than there are slots
      return sql`select id from (select id, status from pdfprompt_job where worker_id is not null offset 0) as running
        where status = 'processing' and ${after} order by id desc limit ${limit}`;
    case 'completed':
      return sql`select id from (select id, status from pdfprompt_job where ${after} order by id desc limit ${literal(WINDOW)}) as newest
        where status = 'completed' order by id desc limit ${limit}`;
    case 'failed':
    case 'cancelled':
      // A literal: a partial index does not match a parameter.
      return sql`select id from pdfprompt_job where status = ${sql.raw(`'${status}'`)} and ${after} order by id desc limit ${limit}`;
  }
}

const afterCursor = (cursor: string | undefined) => (cursor === undefined ? sql`true` : sql`id < ${cursor}`);

/** A limit as a literal: a generic plan assumes that a parameter returns a tenth of the table. */
const literal = (number: number) => sql.raw(String(Math.trunc(number)));

/** The last job of a window that had too few completed jobs for a page; null: it was the last window. */
async function endOfWindow(db: Queryable, cursor: string | undefined): Promise<string | null> {
  const [last] = await db.execute<{ id: string }>(sql`
    select id from pdfprompt_job where ${afterCursor(cursor)} order by id desc offset ${WINDOW - 1} limit 1`);
  return last?.id ?? null;
}

/** The owner of a job. @returns undefined if there is no such job */
export async function findOwner(db: Queryable, jobId: string): Promise<{ userId: string } | undefined> {
  if (!isUuid(jobId)) return undefined;
  const [row] = await db.execute<{ user_id: string }>(sql`select user_id from pdfprompt_job where id = ${jobId}`);
  return row && { userId: row.user_id };
}

function toListedJob({ priority, createdAt, runAt, queuedAt, startedAt, completedAt, ...row }: Row): ListedJob {
  return {
    ...row,
    priority: priorityName(priority),
    createdAt: new Date(createdAt),
    runAt: runAt === null ? null : new Date(runAt),
    queuedAt: new Date(queuedAt),
    startedAt: startedAt === null ? null : new Date(startedAt),
    completedAt: completedAt === null ? null : new Date(completedAt),
  };
}
