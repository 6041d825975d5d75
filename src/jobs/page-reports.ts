import { and, eq, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable, Transaction } from '../db/pools.ts';
import { pageReport } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { PageReport } from '../domain/page-report.ts';
import { CodedError } from '../kernel/errors.ts';
import type { ClaimedJob } from './claim.ts';

/** Writes what the pages of a run said and showed. It replaces what an earlier run did. */
export async function keepPageReport(
  tx: Transaction,
  { id: jobId, userId, run }: Pick<ClaimedJob, 'id' | 'userId' | 'run'>,
  { messages, messageCount, picture }: PageReport,
): Promise<void> {
  const row = { run, messages, messageCount, picture: picture ?? null };
  await tx
    .insert(pageReport)
    .values({ jobId, userId, ...row })
    .onConflictDoUpdate({ target: pageReport.jobId, set: row });
}

/** What the pages of a job said, and whether there is a picture of one. */
export interface KeptReport extends Omit<PageReport, 'picture'> {
  /** of the job, in which they did */
  run: number;
  hasPicture: boolean;
}

/** @returns undefined if there is none, or it is no longer kept */
export async function readPageReport(
  db: Queryable,
  which: { userId: string; jobId: string },
): Promise<KeptReport | undefined> {
  const { run, messages, messageCount, picture } = pageReport;
  const [row] = await db
    .select({ run, messages, messageCount, hasPicture: sql<boolean>`${picture} is not null` })
    .from(pageReport)
    .where(isOf(which));
  return row;
}

/** A JPEG of the page that failed. @throws CodedError `not_found`, for another tenant's job too */
export async function readFailurePicture(db: Queryable, which: { userId: string; jobId: string }): Promise<Uint8Array> {
  const [row] = isUuid(which.jobId)
    ? await db.select({ picture: pageReport.picture }).from(pageReport).where(isOf(which))
    : [];
  if (!row?.picture) throw new CodedError('not_found', 'there is no picture of the job');
  return row.picture;
}

const isOf = ({ userId, jobId }: { userId: string; jobId: string }) =>
  and(forTenant(userId), eq(pageReport.jobId, jobId), eq(pageReport.userId, userId));
