import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { v7 as uuidv7, validate as isUuid } from 'uuid';
import type { Database, Queryable } from '../db/pools.ts';
import { bulkAction } from '../db/schema.ts';
import type { BulkActionName, BulkActionStatus, BulkResult } from '../domain/bulk-action.ts';
import { jobFilterFields, type JobFilter } from '../domain/job-filter.ts';
import { countJobs } from '../jobs/search-jobs.ts';
import { CodedError } from '../kernel/errors.ts';

/** Something that is done to all jobs of a filter, and how far it is. */
export interface BulkAction {
  id: string;
  action: BulkActionName;
  /** as flat text fields */
  filter: Record<string, string>;
  status: BulkActionStatus;
  /** jobs that were counted before it began */
  expected: number;
  /** whether there were more than were counted */
  isMore: boolean;
  /** jobs that it has come to */
  lookedAt: number;
  /** how many of them ended in which way */
  results: Partial<Record<BulkResult, number>>;
  /** id of the key or the user */
  startedBy: string | null;
  createdAt: string;
  endedAt: string | null;
}

/** Jobs that are counted at most. */
const MOST_COUNTED = 10_000;

/** How many jobs an action would come to, and of how many users. */
export async function countForAction(
  db: Queryable,
  filter: JobFilter,
): Promise<{ jobs: number; users: number; isMore: boolean }> {
  const { count, isMore, users } = await countJobs(db, filter, { max: MOST_COUNTED });
  return { jobs: count, users, isMore };
}

interface StartInput {
  action: BulkActionName;
  filter: JobFilter;
  startedBy: string;
  requestId: string | undefined;
}

/** Begins an action on the jobs that there are now. A process of the API does it, piece by piece. */
export async function startAction(db: Database, { action, filter, ...by }: StartInput): Promise<BulkAction> {
  const { jobs, isMore } = await countForAction(db, filter);
  const now = new Date();
  const before = new Date(Math.min(now.getTime(), Date.parse(filter.before ?? now.toISOString()))).toISOString();
  // Jobs that come later, as those that a retry makes, are not meant.
  const values = { id: uuidv7(), action, filter: { ...filter, before }, expected: jobs, isMore, ...by };
  const [row] = await db.insert(bulkAction).values(values).returning();
  if (!row) throw new Error('the database returned no row of an insert');
  return toAction(row);
}

/** The newest first. `cursor` is the id of the last one of the page before. */
export async function listActions(
  db: Queryable,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ data: BulkAction[]; nextCursor: string | null }> {
  const rows = await db
    .select()
    .from(bulkAction)
    .where(cursor === undefined ? undefined : lt(bulkAction.id, cursor))
    .orderBy(desc(bulkAction.id))
    .limit(limit + 1);
  const data = rows.slice(0, limit).map(toAction);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.id ?? null) : null };
}

/** @throws CodedError `not_found` */
export async function getAction(db: Queryable, id: string): Promise<BulkAction> {
  const [row] = isUuid(id) ? await db.select().from(bulkAction).where(eq(bulkAction.id, id)) : [];
  if (!row) throw new CodedError('not_found', 'there is no such action');
  return toAction(row);
}

/** Stops an action after the piece that is under way. What is done stays; one that has ended stays as it is. @throws CodedError `not_found` */
export async function stopAction(db: Database, id: string): Promise<BulkAction> {
  if (isUuid(id))
    await db
      .update(bulkAction)
      .set({ status: 'stopped', endedAt: sql`now()` })
      .where(and(eq(bulkAction.id, id), eq(bulkAction.status, 'running')));
  return getAction(db, id);
}

function toAction(row: typeof bulkAction.$inferSelect): BulkAction {
  const { id, action, status, expected, isMore, lookedAt, results, startedBy } = row;
  return {
    id,
    action,
    filter: jobFilterFields(row.filter),
    status,
    expected,
    isMore,
    lookedAt,
    results,
    startedBy,
    createdAt: row.createdAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
  };
}
