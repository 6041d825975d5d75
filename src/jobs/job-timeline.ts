import { and, desc, eq, type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { file, job, jobAttempt, part, user, worker } from '../db/schema.ts';
import { type Priority, priorityName } from '../domain/priority.ts';
import { CodedError } from '../kernel/errors.ts';
import { type KeptReport, readPageReport } from './page-reports.ts';
import { isOfTarget } from './pauses.ts';
import { acceptedAt, countFailedResources, retriesOf } from './read.ts';
import { REDACTED_REQUEST, REDACTED_URL } from './redacted-request.ts';

/** One run of a job. */
export interface TimelineAttempt {
  run: number;
  startedAt: Date;
  /** null while it runs */
  endedAt: Date | null;
  outcome: string | null;
  reason: string | null;
  /** `host:pid`; null: its row was deleted */
  worker: string | null;
}

type Found = NonNullable<Awaited<ReturnType<typeof select>>[number]>;

/** A job as an operator sees it: everything but documents, credentials and the picture. */
export type JobTimeline = Omit<Found, 'priority'> & {
  priority: Priority;
  /** oldest first, the last {@link MAX_ATTEMPTS} */
  attempts: TimelineAttempt[];
  /** what its pages said; undefined: nothing, or it is no longer kept */
  report: KeptReport | undefined;
};

const MAX_ATTEMPTS = 100;

const select = (db: Queryable, where: SQL) =>
  db
    .select({
      id: job.id,
      userId: job.userId,
      email: user.email,
      status: job.status,
      priority: job.priority,
      tier: job.tier,
      batchId: job.batchId,
      batchRow: job.batchRow,
      requestId: job.requestId,
      countedAttempts: job.attempts,
      runs: job.runs,
      losses: job.losses,
      hasDocument: sql<boolean>`${job.html} is not null or ${job.url} is not null or exists (
        select 1 from ${part} where job_id = ${job.id} and (content is not null or data is not null))`,
      url: sql<string | null>`coalesce(${REDACTED_URL}, (
        select string_agg(shown, ', ' order by position) from ${part} where job_id = ${job.id}))`,
      filename: job.filename,
      metadata: job.metadata,
      request: sql<Record<string, unknown>>`${REDACTED_REQUEST}`,
      errorCode: job.errorCode,
      errorMessage: job.errorMessage,
      timings: job.timings,
      failedResources: job.failedResources,
      failedResourceCount: countFailedResources(),
      missingFonts: job.missingFonts,
      incomplete: job.incomplete,
      createdAt: acceptedAt(),
      runAt: job.runAt,
      /** of pauses that hold it up, if it is queued */
      pauseReasons: sql<string[] | null>`case when ${job.isQueued} then (
        select jsonb_agg(p.reason order by p.target) from pdfprompt_pause p
        where ${isOfTarget({ tier: sql`${job.tier}`, userId: sql`${job.userId}` })}) end`,
      /** when it came into the queue, from which on it waited */
      queuedAt: job.createdAt,
      /** false: its time has not come, or it was cancelled before it */
      wasQueued: sql<boolean>`${job.runAt} is null or ${job.acceptedAt} is not null`,
      startedAt: job.startedAt,
      completedAt: job.completedAt,
      retryOf: job.retryOf,
      retriedAs: retriesOf(),
      /** by the database's clock, like the other times */
      now: sql`now()`.mapWith(job.createdAt),
      file: {
        id: file.id,
        size: file.size,
        pages: file.pages,
        type: file.type,
        sha256: sql<string>`encode(${file.sha256}, 'hex')`,
        expiresAt: file.expiresAt,
        expiredAt: file.expiredAt,
      },
    })
    .from(job)
    .innerJoin(user, eq(user.id, job.userId))
    .leftJoin(file, and(eq(file.jobId, job.id), eq(file.position, 0)))
    .where(where);

/** A job of any tenant with its attempts. @throws CodedError `not_found` */
export async function readJobTimeline(db: Queryable, jobId: string): Promise<JobTimeline> {
  const [row] = isUuid(jobId) ? await select(db, eq(job.id, jobId)) : [];
  if (!row) throw new CodedError('not_found', 'there is no such job');
  const attempts = await db
    .select({
      run: jobAttempt.run,
      startedAt: jobAttempt.startedAt,
      endedAt: jobAttempt.endedAt,
      outcome: jobAttempt.outcome,
      reason: jobAttempt.reason,
      worker: sql<string | null>`${worker.host} || ':' || ${worker.pid}`,
    })
    .from(jobAttempt)
    .leftJoin(worker, eq(worker.id, jobAttempt.workerId))
    .where(eq(jobAttempt.jobId, row.id))
    .orderBy(desc(jobAttempt.run))
    .limit(MAX_ATTEMPTS);
  const report = await readPageReport(db, { userId: row.userId, jobId: row.id });
  return { ...row, priority: priorityName(row.priority), attempts: attempts.toReversed(), report };
}
