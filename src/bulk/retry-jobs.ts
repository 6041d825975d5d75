import { sql } from 'drizzle-orm';
import { LimitReached } from '../accounts/limits.ts';
import { readLimitsInForce } from '../accounts/user-limits.ts';
import { arrayLiteral } from '../db/array-literal.ts';
import { isDatabaseUnavailable, type Database } from '../db/pools.ts';
import type { BulkResult } from '../domain/bulk-action.ts';
import type { Tier } from '../domain/tier.ts';
import { retryJob } from '../jobs/retry.ts';
import type { FoundId } from '../jobs/search-jobs.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Events } from '../telemetry/events.ts';

export type RetryJobsDeps = Parameters<typeof retryJob>[0] & {
  adminDb: Database;
  events: Pick<Events, 'backgroundFailed'>;
};

/**
 * Retries jobs one after the other. The key of each makes it once, however often that is tried.
 * @param goesOn asked now and then; false: the rest is left
 */
export async function retryJobs(
  deps: RetryJobsDeps,
  { id: actionId, requestId }: { id: string; requestId: string | null },
  found: readonly FoundId[],
  goesOn: () => Promise<boolean>,
): Promise<Partial<Record<BulkResult, number>>> {
  const results: Partial<Record<BulkResult, number>> = {};
  const known = await readJobs(deps.adminDb, actionId, found);
  const tiers = new Map<string, Promise<Tier | undefined>>();
  const tierOf = (userId: string) => {
    const tier = tiers.get(userId) ?? readLimitsInForce(deps.adminDb, { id: userId });
    tiers.set(userId, tier);
    return tier;
  };
  const retry = async ({ id, userId }: FoundId): Promise<BulkResult> => {
    const job = known.get(id);
    if (job?.wasRetried) return 'alreadyRetried';
    if (!job?.hasEnded) return 'notEnded';
    try {
      const tier = await tierOf(userId);
      if (!tier) return 'noSubscription';
      const made = { jobId: id, idempotencyKey: keyOf(actionId, id), requestId: requestId ?? undefined };
      await retryJob(deps, { ...made, principal: { userId, tier } });
      return 'retried';
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error; // the piece is done again
      if (error instanceof LimitReached) return 'overLimit';
      if (error instanceof CodedError && error.code !== 'unavailable' && error.code !== 'internal')
        return 'notRetryable';
      deps.events.backgroundFailed('retrying a job', error);
      return 'failed';
    }
  };
  for (const [index, job] of found.entries()) {
    if (index % 5 === 0 && !(await goesOn())) break;
    const result = await retry(job);
    results[result] = (results[result] ?? 0) + 1;
  }
  return results;
}

/** Of the new job: one for each action and job. */
const keyOf = (actionId: string, jobId: string) => `bulk:${actionId}:${jobId}`;

/** `wasRetried`: by somebody else than this action. */
async function readJobs(db: Database, actionId: string, found: readonly FoundId[]) {
  const rows = await db.execute<{ id: string; has_ended: boolean; was_retried: boolean }>(sql`
    select j.id, j.status in ('failed', 'cancelled') as has_ended, exists (
      select from pdfprompt_job r where r.retry_of = j.id
        and r.idempotency_key is distinct from ${`bulk:${actionId}:`}::text || j.id) as was_retried
    from pdfprompt_job j where j.id = any (${arrayLiteral(found.map(({ id }) => id))}::uuid[])`);
  return new Map(rows.map((row) => [row.id, { hasEnded: row.has_ended, wasRetried: row.was_retried }]));
}
