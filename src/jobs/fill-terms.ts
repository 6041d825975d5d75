import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';

/** In one transaction; it is short, because as long as it lasts no dead row is removed from the queue. */
const BATCH = 500;

/**
 * Writes what jobs are found by that were accepted before `pdfprompt_job_term` was there, the newest first, one batch at a
 * time. Afterwards one look at an empty table is left of it.
 * @returns how many jobs it looked at; 0: that was all, or another process is at it
 */
export async function fillTerms(db: Queryable): Promise<number> {
  const [row] = await db.execute<{ count: number }>(sql`select pdfprompt_fill_terms(${BATCH}) as count`);
  return row?.count ?? 0;
}

/**
 * Writes what the items of a batch are found by, one piece of one batch at a time: a batch is accepted without.
 * @returns 0: there is nothing left to do, or other processes are at it
 */
export async function addItemTerms(db: Queryable): Promise<number> {
  const [row] = await db.execute<{ count: number }>(sql`select pdfprompt_add_item_terms(${BATCH}) as count`);
  return row?.count ?? 0;
}
