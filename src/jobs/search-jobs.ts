import { sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import type { JobStatus } from '../domain/job.ts';
import { type Priority, priorityName } from '../domain/priority.ts';
import type { PathOrder } from './access-paths.ts';
import { pageOfIds } from './page-of-ids.ts';
import { IS_PAUSED } from './pauses.ts';

/** A job in a list over all tenants. */
export interface ListedJob {
  id: string;
  status: JobStatus;
  /** queued, and not begun until a pause ends */
  paused: boolean;
  priority: Priority;
  /** the user's tier when it was accepted; empty: not recorded */
  tier: string;
  userId: string;
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
  errorMessage: string | null;
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
  /** the cursor of the next page; null: there is none. A page that is short, or empty, need not be the last */
  next: string | null;
  /** `id`: newest first; `created` too; `run`: the next first; `value`: by the value looked for; `row`: by the row in the batch */
  order: PathOrder;
  /** jobs that were looked at */
  searched: number;
}

/** Of a count: jobs that are read at a time, and how often. */
const PAGE = 1_000;
const MAX_PAGES = 50;

/** A page of the jobs of all tenants that a filter finds, in the order that `order` says. */
export async function searchJobs(db: Queryable, input: SearchInput): Promise<FoundJobs> {
  const { ids, ...page } = await pageOfIds(db, input);
  if (ids.length === 0) return { jobs: [], ...page };
  const rows = await db.execute<Row>(sql`
    select found.*, (select sum(f.pages)::integer from pdfprompt_file f where f.job_id = found.id) as pages
    from unnest(${arrayLiteral(ids)}::uuid[]) with ordinality as page (id, place), lateral (
      select j.id, j.status, j.is_queued and ${IS_PAUSED} as paused, j.priority, j.tier, j.user_id as "userId", u.email, j.filename, j.attempts, coalesce(j.accepted_at, j.created_at) as "createdAt",
        j.created_at as "queuedAt", j.run_at as "runAt",
        j.started_at as "startedAt", j.completed_at as "completedAt", j.error_code as "errorCode", j.error_message as "errorMessage"
      from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id where j.id = page.id limit 1
    ) as found order by page.place`);
  return { jobs: rows.map(toListedJob), ...page };
}

/**
 * The ids of a page of a filter's jobs, in the order of {@link searchJobs}. A page may be empty and not be the last:
 * go on until `next` is null.
 * @param input `isStable`: no job changes its place between two pages, so that none is missed
 */
export async function findJobIds(
  db: Queryable,
  input: SearchInput & { isStable?: boolean },
): Promise<{ found: FoundId[]; next: string | null }> {
  const { ids, next } = await pageOfIds(db, input);
  const found = await db.execute<FoundId & Record<string, unknown>>(sql`
    select page.id, job.user_id as "userId" from unnest(${arrayLiteral(ids)}::uuid[]) with ordinality as page (id, place),
      lateral (select j.user_id from pdfprompt_job j where j.id = page.id limit 1) as job order by page.place`);
  return { found, next };
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

/** The owner of a job. @returns undefined if there is no such job */
export async function findOwner(db: Queryable, jobId: string): Promise<{ userId: string; email: string } | undefined> {
  if (!isUuid(jobId)) return undefined;
  const [row] = await db.execute<{ userId: string; email: string }>(sql`
    select j.user_id as "userId", u.email from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id where j.id = ${jobId}`);
  return row;
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
