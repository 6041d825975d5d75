import { type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Database } from '../db/pools.ts';
import { forTenant } from '../db/tenant.ts';
import { CodedError } from '../kernel/errors.ts';
import { endedBatches, toOwnedBatch } from './batch-events.ts';
import { type Ended, positionOf } from './ended.ts';
import { endedJobs, toOwned } from './job-events.ts';

interface Which {
  tenant: string;
  /** ids without repetition */
  jobs: readonly string[];
  /** the same of batches */
  batches: readonly string[];
}

/**
 * Those of a tenant's jobs and batches that have ended, in the order of their ends.
 * @throws CodedError `not_found` if one is not there, or another tenant's
 */
export async function endedAmong(db: Database, { tenant, jobs, batches }: Which): Promise<Ended[]> {
  // Not `=`, for which Postgres may go through all that the tenant has in an index that begins with the owner.
  const theirs = (column: SQL, owner: SQL, ids: readonly string[]) =>
    sql`${forTenant(tenant)} and ${owner} is not distinct from ${tenant}::uuid and ${column} = any (${arrayLiteral(ids)}::uuid[])`;
  const areJobs = theirs(sql`j.id`, sql`j.user_id`, jobs);
  const areBatches = theirs(sql`b.id`, sql`b.user_id`, batches);
  const count = async (from: SQL) =>
    (await db.execute<{ count: number }>(sql`select count(*)::integer as count from ${from}`))[0]?.count;

  const ended: Ended[] = [];
  if (jobs.length > 0) {
    if ((await count(sql`pdfprompt_job j where ${areJobs}`)) !== jobs.length) throw noSuch('job');
    const rows = await db.execute<Parameters<typeof toOwned>[0]>(endedJobs(areJobs));
    ended.push(...rows.map(toOwned));
  }
  if (batches.length > 0) {
    if ((await count(sql`pdfprompt_batch b where ${areBatches}`)) !== batches.length) throw noSuch('batch');
    const rows = await db.execute<Parameters<typeof toOwnedBatch>[0]>(endedBatches(areBatches));
    ended.push(...rows.map(toOwnedBatch));
  }
  return ended.sort((a, b) => positionOf(a).atMs - positionOf(b).atMs);
}

const noSuch = (what: 'job' | 'batch') => new CodedError('not_found', `${what}: there is no such ${what}`);
