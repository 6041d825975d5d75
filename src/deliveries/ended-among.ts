import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Database } from '../db/pools.ts';
import { forTenant } from '../db/tenant.ts';
import { CodedError } from '../kernel/errors.ts';
import { endedJobs, type OwnedJob, toOwned } from './job-events.ts';

/**
 * Those of a tenant's jobs that have ended, in the order of their ends.
 * @param ids without repetition
 * @throws CodedError `not_found` if one is not there, or another tenant's
 */
export async function endedAmong(
  db: Database,
  { tenant, ids }: { tenant: string; ids: readonly string[] },
): Promise<OwnedJob[]> {
  const areTheirs = sql`${forTenant(tenant)} and j.user_id = ${tenant} and j.id = any (${arrayLiteral(ids)}::uuid[])`;
  const [found] = await db.execute<{ count: number }>(
    sql`select count(*)::integer as count from pdfprompt_job j where ${areTheirs}`,
  );
  if (found?.count !== ids.length) throw new CodedError('not_found', 'job: there is no such job');
  const rows = await db.execute<Parameters<typeof toOwned>[0]>(
    sql`${endedJobs(areTheirs)} order by j.completed_at, j.id`,
  );
  return rows.map(toOwned);
}
