import { sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/pools.ts';

/** Jobs in one transaction, so that it holds its locks only briefly. */
const PIECE = 500;

/**
 * Puts scheduled jobs into the queue whose time has come, as if they were submitted now. Any number of processes do so:
 * each job is one's.
 * @param most jobs
 * @returns how many; 0: no more are due, but for those that another process has in hand, and those of a user whose own
 * transaction, with a submission in it, has not ended
 */
export async function queueScheduled(db: Queryable, most = PIECE): Promise<number> {
  const [row] = await db.execute<{ count: number }>(sql`select pdfprompt_queue_scheduled(${most}) as count`);
  return row?.count ?? 0;
}

/** Queues all that are due. @param until ends it between two pieces */
export async function queueAllScheduled(db: Database, until: AbortSignal): Promise<void> {
  while (!until.aborted && (await queueScheduled(db)) > 0);
}

/** Milliseconds after which a job that is due must be in somebody's hand. */
const IN_HAND_MS = 1_000;

/** Milliseconds until a job is due, or until one that is in somebody's hand is looked for again; undefined: none is scheduled. */
export async function untilScheduled(db: Database): Promise<number | undefined> {
  const [row] = await db.execute<{ ms: number | null }>(sql`
    select extract(epoch from min(run_at) - clock_timestamp())::double precision * 1000 as ms
    from pdfprompt_job where status = 'scheduled'`);
  const ms = row?.ms ?? undefined;
  return ms !== undefined && ms < -IN_HAND_MS ? IN_HAND_MS : ms;
}
