import { and, eq, inArray } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { job } from '../db/schema.ts';

/** The runs that jobs are in, by the ids of those that are being rendered. */
export async function currentRuns(db: Database, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await db
    .select({ id: job.id, run: job.runs })
    .from(job)
    .where(and(inArray(job.id, [...ids]), eq(job.status, 'processing')));
  return new Map(rows.map(({ id, run }) => [id, run]));
}
