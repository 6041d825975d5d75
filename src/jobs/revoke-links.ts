import { and, eq, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Database } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import { CodedError } from '../kernel/errors.ts';

/** Makes all links of a job invalid that were made before. @throws CodedError `not_found` */
export async function revokeLinks(db: Database, { userId, jobId }: { userId: string; jobId: string }): Promise<void> {
  const rows = isUuid(jobId)
    ? await db
        .update(job)
        .set({ linkRevocations: sql`${job.linkRevocations} + 1` })
        .where(and(eq(job.id, jobId), eq(job.userId, userId)))
        .returning({ id: job.id })
    : [];
  if (rows.length === 0) throw new CodedError('not_found', 'there is no such job');
}
