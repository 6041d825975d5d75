import { and, eq, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/pools.ts';
import { bulkAction } from '../db/schema.ts';
import type { BulkActionName, BulkActionStatus, BulkResult } from '../domain/bulk-action.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import { retryAfterDeadlock } from '../jobs/retry-after-deadlock.ts';
import { findJobIds } from '../jobs/search-jobs.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import type { Events } from '../telemetry/events.ts';
import { cancelJobs, type CancelledJob, type CancelJobsDeps } from './cancel-jobs.ts';
import { replayJobs } from './replay-jobs.ts';
import { retryJobs, type RetryJobsDeps } from './retry-jobs.ts';

export type PieceDeps = RetryJobsDeps & CancelJobsDeps & { adminDb: Database; events: Pick<Events, 'bulk'> };

/** Jobs of one piece: what is done in one transaction, or by one after the other. */
const PIECE: Record<BulkActionName, number> = { cancel: 200, replay: 200, retry: 25 };
/** Seconds after which another process goes on with an action whose process says nothing. */
const HELD_SECONDS = 30;

/** An action that this process has in hand. */
export interface HeldAction {
  id: string;
  action: BulkActionName;
  filter: JobFilter;
  cursor: string | null;
  requestId: string | null;
}

type Counts = Partial<Record<BulkResult, number>>;

const heldFor = sql`now() + ${HELD_SECONDS} * interval '1 second'`;

/** Takes an action that nobody goes on with. */
export async function holdAction(db: Database, holder: string): Promise<HeldAction | undefined> {
  const [row] = await db
    .update(bulkAction)
    .set({ holder, heldUntil: heldFor })
    .where(
      eq(
        bulkAction.id,
        sql`(select id from ${bulkAction} where status = 'running' and (held_until is null or held_until < now() or holder = ${holder})
          order by id limit 1 for update skip locked)`,
      ),
    )
    .returning();
  return row;
}

/**
 * Does the next piece. Progress is written with what was done, in one transaction, or what was done is known again: so
 * a piece that is done twice, after a kill, counts once.
 * @returns the action as it goes on; undefined: it is over, stopped, or another process's
 */
export async function runPiece(deps: PieceDeps, holder: string, held: HeldAction): Promise<HeldAction | undefined> {
  const { adminDb, db } = deps;
  const { action, filter, cursor } = held;
  const page = { filter, limit: PIECE[action], cursor: cursor ?? undefined, isStable: true };
  const { found, next } = await findJobIds(adminDb, page);
  const goesOn = (written: Written | undefined) => {
    if (written?.status === 'completed')
      deps.events.bulk.actionEnded({ actionId: held.id, action, results: written.results });
    return written?.status === 'running' && next !== null ? { ...held, cursor: next } : undefined;
  };
  const progress = (results: Counts) => ({ holder, held, results, next });
  if (action === 'retry') {
    const results = await retryJobs(deps, held, found, () => renew(db, holder, held.id));
    crashPoint('bulk.retried');
    return goesOn(await write(db, progress(results)));
  }
  let cancelled: CancelledJob[] = [];
  const written = await retryAfterDeadlock(() =>
    db.transaction(async (tx) => {
      if (!(await isStillOurs(tx, holder, held.id))) return undefined;
      const done = action === 'cancel' ? await cancelJobs(tx, deps.queue, found) : await replayJobs(tx, found);
      cancelled = done.cancelled ?? [];
      return write(tx, progress(done.results));
    }),
  );
  for (const job of cancelled) deps.events.jobCancelled({ ...job, requestId: held.requestId ?? undefined });
  return goesOn(written);
}

/** Locks the action: it is stopped before the piece or after it. */
async function isStillOurs(tx: Queryable, holder: string, id: string): Promise<boolean> {
  const rows = await tx.execute(sql`
    select from ${bulkAction} where id = ${id} and holder = ${holder} and status = 'running' for update`);
  return rows.length > 0;
}

/** @returns whether it goes on here */
async function renew(db: Database, holder: string, id: string): Promise<boolean> {
  const rows = await db
    .update(bulkAction)
    .set({ heldUntil: heldFor })
    .where(and(eq(bulkAction.id, id), eq(bulkAction.holder, holder), eq(bulkAction.status, 'running')))
    .returning({ id: bulkAction.id });
  return rows.length > 0;
}

interface Written {
  status: BulkActionStatus;
  /** of all pieces */
  results: Record<string, number>;
}

interface Progress {
  holder: string;
  held: HeldAction;
  results: Counts;
  next: string | null;
}

/** What was done of an action that was stopped meanwhile is counted too. @returns undefined: it is another process's */
async function write(db: Queryable, { holder, held, results, next }: Progress): Promise<Written | undefined> {
  const lookedAt = Object.values(results).reduce((sum, jobs) => sum + jobs, 0);
  const sums = Object.entries(results).map(
    ([name, jobs]) =>
      sql`jsonb_build_object(${name}::text, coalesce((results ->> ${name}::text)::integer, 0) + ${jobs}::integer)`,
  );
  const isOver = sql`status = 'running' and ${next === null}`;
  const rows = await db.execute<Written & Record<string, unknown>>(sql`
    update ${bulkAction} set results = ${sql.join([sql`results`, ...sums], sql` || `)}, looked_at = looked_at + ${lookedAt}, cursor = ${next},
      held_until = case when ${isOver} then null else ${heldFor} end,
      ended_at = case when ${isOver} then now() else ended_at end,
      status = case when ${isOver} then 'completed' else status end
    where id = ${held.id} and holder = ${holder} and cursor is not distinct from ${held.cursor}::text returning status, results`);
  return rows[0];
}
