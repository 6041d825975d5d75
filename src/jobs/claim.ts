import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Database, Transaction } from '../db/pools.ts';
import { job, jobAttempt, worker } from '../db/schema.ts';
import type { PdfRequest } from '../domain/pdf-request.ts';
import { type Claim, type JobQueue, MAX_LOSSES } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';
import { againAfterDeadlock } from './again-after-deadlock.ts';
import { endAttempt } from './attempts.ts';
import { fileIdOf } from './file-id.ts';
import { type Lost, LOST, poison, toLost } from './lost-jobs.ts';
import { storedRequest } from './stored-request.ts';

/** A job that is ours to run. `run` fences it: whoever claims it next has a higher one. */
export interface ClaimedJob {
  claim: Claim;
  id: string;
  userId: string;
  /** that its user was on when it was accepted */
  tier: string;
  /** of the request that made it */
  requestId: string | undefined;
  /** W3C trace context of that request */
  traceparent: string | undefined;
  run: number;
  /** runs that count, this one included */
  attempt: number;
  /** workers that were lost while they ran it: it may be the cause */
  losses: number;
  /** from when it was accepted, by the database's clock */
  waitedMs: number;
  /** under which this run's PDF will be kept */
  fileId: string;
  request: PdfRequest;
}

interface ClaimInput {
  workerId: string;
  /** at most */
  count: number;
}

/** The worker was taken for dead: nothing is its to claim until it has registered again. */
export class NotRegistered extends Error {}

/**
 * Takes jobs, in the queue's order, and marks them as processing, in one short transaction.
 * @throws NotRegistered, and nothing is claimed
 */
export async function claimJobs(
  { db, queue, events }: { db: Database; queue: JobQueue; events: Events },
  { workerId, count }: ClaimInput,
): Promise<ClaimedJob[]> {
  let expired: Lost = { returned: [], poisoned: [] };
  const claim = async (tx: Transaction): Promise<ClaimedJob[]> => {
    const claims = await queue.claim(tx, count);
    if (claims.length === 0) return [];
    const ids = claims.map(({ id }) => id);
    let rows = await start(tx, ids, workerId);
    if (rows.length < ids.length && !(await isAlive(tx, workerId))) throw new NotRegistered(workerId);
    const others = ids.filter((id) => !rows.some((row) => row.id === id));
    if (others.length > 0) expired = await requeueExpiredClaims(tx, queue, others);
    if (expired.returned.length > 0) rows = [...rows, ...(await start(tx, others, workerId))];
    const jobs: ClaimedJob[] = [];
    for (const place of claims) {
      const row = rows.find((each) => each.id === place.id);
      if (row) jobs.push(toClaimed(place, row));
      else await queue.complete(tx, place); // it ended while it was in the queue: cancelled, deleted, poison
    }
    return jobs;
  };
  const claimed = await againAfterDeadlock(() => db.transaction(claim));
  for (const each of expired.returned) events.jobRequeued(each, 'lost');
  for (const each of expired.poisoned) events.jobPoisoned(each);
  return claimed;
}

async function isAlive(tx: Transaction, workerId: string): Promise<boolean> {
  const rows = await tx.execute(living(workerId));
  return rows.length > 0;
}

/** Locked: whoever takes the worker for dead does so before the claim, which then finds nothing, or finds what it claimed. */
const living = (workerId: string) =>
  sql`select 1 from ${worker} where ${worker.id} = ${workerId} and ${worker.endedAt} is null for share`;

/** Marks those of the jobs that are queued as processing, each with an attempt begun, if the worker lives. */
async function start(tx: Transaction, ids: string[], workerId: string): Promise<JobRow[]> {
  const rows = await tx
    .update(job)
    .set({
      status: 'processing',
      runs: sql`${job.runs} + 1`,
      attempts: sql`${job.attempts} + 1`,
      startedAt: sql`now()`,
      workerId,
    })
    .where(and(inArray(job.id, ids), eq(job.status, 'queued'), sql`exists (${living(workerId)})`))
    .returning();
  if (rows.length > 0)
    await tx.insert(jobAttempt).values(rows.map((row) => ({ jobId: row.id, run: row.runs, workerId })));
  return rows;
}

/** The floor below the reaper: jobs whose claim the queue itself let expire are still marked as processing. */
async function requeueExpiredClaims(tx: Transaction, queue: JobQueue, ids: string[]): Promise<Lost> {
  const expired: Lost = { returned: [], poisoned: [] };
  const rows = await tx
    .select({ ...LOST, losses: job.losses })
    .from(job)
    .where(and(inArray(job.id, ids), eq(job.status, 'processing')))
    .for('update');
  for (const { losses, ...row } of rows) {
    const { id } = row;
    await endAttempt(tx, { jobId: id, outcome: 'lost', reason: 'its claim expired' });
    if (losses + 1 >= MAX_LOSSES) expired.poisoned.push(...(await poison(tx, queue, id)));
    else {
      expired.returned.push(toLost(row));
      await tx
        .update(job)
        .set({ status: 'queued', attempts: sql`${job.attempts} - 1`, losses: losses + 1 })
        .where(eq(job.id, id));
    }
  }
  return expired;
}

type JobRow = typeof job.$inferSelect;

function toClaimed(claim: Claim, row: JobRow): ClaimedJob {
  return {
    claim,
    id: row.id,
    userId: row.userId,
    tier: row.tier,
    requestId: row.requestId ?? undefined,
    traceparent: row.traceparent ?? undefined,
    run: row.runs,
    attempt: row.attempts,
    losses: row.losses,
    waitedMs: row.startedAt ? row.startedAt.getTime() - row.createdAt.getTime() : 0,
    fileId: fileIdOf(row.id, row.runs),
    request: storedRequest(row),
  };
}
