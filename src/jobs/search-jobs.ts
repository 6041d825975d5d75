import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import type { JobStatus } from '../domain/job.ts';
import { type Priority, priorityName } from '../domain/priority.ts';

/** A job in a list that is about everybody's. */
export interface ListedJob {
  id: string;
  status: JobStatus;
  priority: Priority;
  /** that its user was on when it was accepted; empty: not written down */
  tier: string;
  email: string;
  filename: string | null;
  attempts: number;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
  errorCode: string | null;
  /** null without a PDF */
  pages: number | null;
}

interface SearchInput {
  status?: JobStatus | undefined;
  userId?: string | undefined;
  /** jobs on a page */
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

export interface FoundJobs {
  jobs: ListedJob[];
  /** where the next page begins; null: there is none */
  next: string | null;
}

/** Completed jobs are most of all: they are looked for among this many, newest first, and then from there on. */
const WINDOW = 5_000;

/** A page of jobs of all tenants, or of one, newest first. */
export async function searchJobs(db: Queryable, { limit, ...input }: SearchInput): Promise<FoundJobs> {
  const rows = await db.execute<Row>(sql`
    with page as materialized (${pageOf({ ...input, limit: limit + 1 })})
    select found.*, (select f.pages from pdfprompt_file f where f.job_id = found.id) as pages
    from page, lateral (
      select j.id, j.status, j.priority, j.tier, u.email, j.filename, j.attempts, j.created_at, j.started_at, j.completed_at,
        j.error_code
      from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id where j.id = page.id limit 1
    ) as found order by page.place`);
  const jobs = rows.slice(0, limit).map(toListedJob);
  if (rows.length > limit) return { jobs, next: jobs.at(-1)?.id ?? null };
  if (input.status !== 'completed' || input.userId !== undefined) return { jobs, next: null };
  return { jobs, next: await endOfWindow(db, input.cursor) };
}

/** The ids of a page, each with its place. There is one index for each kind of question, and a query that can only use that. */
function pageOf({ status, userId, limit, cursor }: SearchInput): SQL {
  const place = sql`row_number() over () as place`;
  const after = cursor === undefined ? sql`true` : sql`id < ${cursor}`;
  if (userId !== undefined) {
    const ofStatus = status === undefined ? sql`true` : sql`status = ${status}`;
    return sql`select id, ${place} from (
      select id from pdfprompt_job where user_id = ${userId} and ${ofStatus} and ${after} order by id desc limit ${literal(limit)}) as found`;
  }
  switch (status) {
    case undefined:
      return sql`select id, ${place} from (
        select id from pdfprompt_job where ${after} order by id desc limit ${literal(limit)}) as found`;
    case 'queued': {
      // By when they were accepted, which only the queued ones have an index for.
      const before =
        cursor === undefined
          ? sql`true`
          : sql`(created_at, id) < (select created_at, id from pdfprompt_job where id = ${cursor})`;
      return sql`select id, ${place} from (
        select id from pdfprompt_job where status = 'queued' and ${before} order by created_at desc, id desc limit ${literal(limit)}) as found`;
    }
    case 'processing': // as many as there are slots
      return sql`select id, ${place} from (
        select id from (select id, status from pdfprompt_job where worker_id is not null offset 0) as running
        where status = 'processing' and ${after} order by id desc limit ${literal(limit)}) as found`;
    case 'completed':
      return sql`select id, ${place} from (
        select id from (select id, status from pdfprompt_job where ${after} order by id desc limit ${literal(WINDOW)}) as newest
        where status = 'completed' order by id desc limit ${literal(limit)}) as found`;
    case 'failed':
    case 'cancelled':
      // Not as a parameter: the index has no others.
      return sql`select id, ${place} from (
        select id from pdfprompt_job where status = ${sql.raw(`'${status}'`)} and ${after} order by id desc limit ${literal(limit)}) as found`;
  }
}

/** Planned for any values, a limit that is a parameter is taken for a tenth of the table. */
const literal = (number: number) => sql.raw(String(Math.trunc(number)));

/** Where to look on after a window in which there were too few for a page; null if it was the last. */
async function endOfWindow(db: Queryable, cursor: string | undefined): Promise<string | null> {
  const after = cursor === undefined ? sql`true` : sql`id < ${cursor}`;
  const [last] = await db.execute<{ id: string }>(sql`
    select id from pdfprompt_job where ${after} order by id desc offset ${WINDOW - 1} limit 1`);
  return last?.id ?? null;
}

/** Whose a job is. @returns undefined if there is no such job */
export async function findOwner(db: Queryable, jobId: string): Promise<{ userId: string } | undefined> {
  if (!isUuid(jobId)) return undefined;
  const [row] = await db.execute<{ user_id: string }>(sql`select user_id from pdfprompt_job where id = ${jobId}`);
  return row && { userId: row.user_id };
}

type Row = {
  id: string;
  status: JobStatus;
  priority: number;
  tier: string;
  email: string;
  filename: string | null;
  attempts: number;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  error_code: string | null;
  pages: number | null;
};

function toListedJob({ created_at, started_at, completed_at, error_code, priority, ...row }: Row): ListedJob {
  return {
    ...row,
    priority: priorityName(priority),
    createdAt: new Date(created_at),
    startedAt: started_at === null ? null : new Date(started_at),
    completedAt: completed_at === null ? null : new Date(completed_at),
    errorCode: error_code,
  };
}
