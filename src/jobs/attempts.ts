import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { jobAttempt } from '../db/schema.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';

interface AttemptEnd {
  jobId: string;
  outcome: AttemptOutcome;
  reason?: string | undefined;
}

/** Writes down what became of the attempt at a job that is under way, if one is. */
export async function endAttempt(tx: Queryable, { jobId, outcome, reason }: AttemptEnd): Promise<void> {
  await tx
    .update(jobAttempt)
    .set({ endedAt: sql`now()`, outcome, reason })
    .where(and(eq(jobAttempt.jobId, jobId), isNull(jobAttempt.endedAt)));
}
