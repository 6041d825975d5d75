import { sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/pools.ts';

/** Jobs in one transaction, so that it holds its locks only briefly. */
const PIECE = 500;

/**
 * Puts scheduled jobs into the queue whose time has come, as if they were submitted now. Any number of processes do so:
 * each job is one's.
 * @param most jobs
 * @returns how many; fewer than that: no more are due, but for those that another process has in hand
 */
export async function queueScheduled(db: Queryable, most = PIECE): Promise<number> {
  const [row] = await db.execute<{ count: number }>(sql`select pdfprompt_queue_scheduled(${most}) as count`);
  return row?.count ?? 0;
}

/** Queues all that are due. @param until ends it between two pieces */
export async function queueAllScheduled(db: Database, until: AbortSignal): Promise<void> {
  for (let count = PIECE; count === PIECE && !until.aborted;) count = await queueScheduled(db, PIECE);
}

/** Milliseconds until a job is due; undefined: none is scheduled. */
export async function untilScheduled(db: Database): Promise<number | undefined> {
  const [row] = await db.execute<{ ms: number | null }>(sql`
    select extract(epoch from min(run_at) - clock_timestamp())::double precision * 1000 as ms
    from pdfprompt_job where status = 'scheduled'`);
  return row?.ms ?? undefined;
}
