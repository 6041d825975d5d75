import { type SQL, sql } from 'drizzle-orm';

/*
 * A virtual deadline for each job, after "virtual clock" packet scheduling: a tenant's jobs stand one
 * behind the other on a time line of the tenant's own, each as long as it costs, shorter for a higher
 * tier. Who has nothing queued begins at the present. The queue serves the earliest deadline, so a
 * tenant with ten thousand jobs reaches far into the future, and another's first job comes before most
 * of them. Nobody is held back while there is room, and every job's turn comes: the present moves on.
 */

/** Seconds of virtual time that a job takes on a starter's lane. */
const COST_SECONDS = 1;

/** Seconds that a priority moves a job's deadline forward: low, medium, high, critical. The last is ahead of everything. */
const BONUS_SECONDS = [0, 30, 60, 30_000_000] as const;

/** A low job is overtaken by high ones that come up to this many seconds after it, and by no later one. */
export const LONGEST_OVERTAKING_SECONDS = BONUS_SECONDS[2] - BONUS_SECONDS[0];

/** In the middle of what 32 bits of tenths of a second can hold: good until 2036. */
const EPOCH_SECONDS = Date.UTC(2030) / 1000;

/** Virtual seconds of one job of a tier: each step of priority halves them. */
export function costOf(tierPriority: number): number {
  return COST_SECONDS / 2 ** tierPriority;
}

/**
 * The rank of a job as an integer expression; the smallest is served next.
 * @param virtualFinish where the job ends on its tenant's lane, in seconds since 1970
 * @param priority 0 low … 3 critical
 */
export function rankOf(virtualFinish: SQL, priority: number): SQL {
  const bonus = BONUS_SECONDS[Math.min(Math.max(priority, 0), 3) as 0 | 1 | 2 | 3];
  return sql`round((${virtualFinish} - ${bonus + EPOCH_SECONDS}::double precision) * 10)::integer`;
}
