import { type SQL, sql } from 'drizzle-orm';

/*
 * Each job has a virtual deadline, as in "virtual clock" packet scheduling. Each tenant has a time line, on which its
 * jobs follow each other. A job takes a length of it that is shorter for a higher tier. The first job of a tenant that
 * has none queued begins now. The queue serves the earliest deadline. The jobs of a tenant with ten thousand of them
 * reach far into the future, so another tenant's first job comes before most of them. No job waits while there is
 * room, and each job is served in the end, because the present moves on.
 */

/** Seconds of virtual time that a job of the tier starter takes. */
const COST_SECONDS = 1;

/** Seconds by which a priority moves a job's deadline forward: low, medium, high, critical. A critical job comes before all others. */
const BONUS_SECONDS = [0, 30, 60, 30_000_000] as const;

/** High jobs that come up to this many seconds after a low one are served before it. */
export const LONGEST_OVERTAKING_SECONDS = BONUS_SECONDS[2] - BONUS_SECONDS[0];

/** The zero of ranks, which are tenths of a second in 32 bits: they last until 2036. */
const EPOCH_SECONDS = Date.UTC(2030) / 1000;

/** Virtual seconds of one job of a tier: each step of priority halves them. */
export function costOf(tierPriority: number): number {
  return COST_SECONDS / 2 ** tierPriority;
}

/**
 * The rank of a job as an integer expression; the smallest is served next.
 * @param virtualFinish where the job ends on its tenant's time line, in seconds since 1970
 * @param priority 0 low … 3 critical
 */
export function rankOf(virtualFinish: SQL, priority: number): SQL {
  const bonus = BONUS_SECONDS[Math.min(Math.max(priority, 0), 3) as 0 | 1 | 2 | 3];
  return sql`round((${virtualFinish} - ${bonus + EPOCH_SECONDS}::double precision) * 10)::integer`;
}
