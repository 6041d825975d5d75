import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { jobAttempt } from '../db/schema.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';

type AttemptEnd = { jobId: string; outcome: AttemptOutcome; reason?: string | undefined };

/** Records the outcome of a job's present attempt, if there is one. */
export async function endAttempt(tx: Queryable, { jobId, outcome, reason }: AttemptEnd): Promise<void> {
  await tx
    .update(jobAttempt)
    .set({ endedAt: sql`now()`, outcome, reason })
    .where(and(eq(jobAttempt.jobId, jobId), isNull(jobAttempt.endedAt)));
}
