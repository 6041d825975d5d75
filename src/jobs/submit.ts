import { createHash } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import {
  type Allowance,
  allowances,
  FIRST_GRANT,
  isBelow,
  type LaneUse,
  type Limiter,
  LimitReached,
  oneMore,
  useOf,
} from '../accounts/limits.ts';
import type { Principal } from '../accounts/principals.ts';
import { ringing } from '../db/bell.ts';
import type { Database } from '../db/pools.ts';
import { job, lane } from '../db/schema.ts';
import { entering } from '../db/tenant.ts';
import { type Job, queuedJob } from '../domain/job.ts';
import type { PdfRequest } from '../domain/pdf-request.ts';
import { effectivePriority } from '../domain/priority.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { CodedError, systemCodeOf } from '../kernel/errors.ts';
import type { JobQueue } from '../queue/boss.ts';
import { costOf, rankOf } from '../queue/rank.ts';
import type { Events } from '../telemetry/events.ts';
import { getJob, MAX_POSITION, positionOf } from './read.ts';

export interface SubmitDeps {
  db: Database;
  /** what is read for the tenant alone */
  reads: Database;
  queue: JobQueue;
  limiter: Limiter;
  events: Events;
}

export interface SubmitInput {
  /** whose job it is, and what its tier allows */
  principal: Pick<Principal, 'userId' | 'tier'>;
  request: PdfRequest;
  idempotencyKey?: string | undefined;
  requestId?: string | undefined;
  /** W3C trace context, for whoever does the job */
  traceparent?: string | undefined;
}

export interface Submitted {
  job: Job;
  /** false if the idempotency key had made it before */
  created: boolean;
  /** what is left after it of each limit of the tier; none of a job that was there before */
  allowances: Allowance[];
}

/** Seconds that a claim may outlast the document's own time limit before the queue takes its worker for dead. */
export const CLAIM_MARGIN_SECONDS = 60;
/** A limit may open again between the refusal and the question why. */
const TRIES = 5;

/**
 * Accepts a job: within the tier's limits, the row and its place in the queue, or none of it.
 * @throws CodedError `idempotency_mismatch` if the key was used with another request
 * @throws LimitReached
 */
export async function submitJob(deps: SubmitDeps, input: SubmitInput): Promise<Submitted> {
  const { db, reads, queue, limiter, events } = deps;
  const { principal, request, idempotencyKey, requestId } = input;
  const { userId, tier } = principal;
  const about = { userId, tier: tier.name, requestId, traceId: traceIdOf(input.traceparent) };
  const idempotencyHash =
    idempotencyKey === undefined ? null : createHash('sha256').update(JSON.stringify(request)).digest('hex');
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const refusal = limiter.known(userId, tier);
      if (!refusal) {
        const created = await insertJob(db, queue, { ...input, idempotencyHash });
        if (created) {
          crashPoint('submit.committed');
          const { id, priority } = created.job;
          events.jobSubmitted({ jobId: id, ...about, priority });
          return created;
        }
      }
      // A repeated request gets its job, whatever the limits say.
      const before = await findByIdempotencyKey(reads, { userId, idempotencyKey, idempotencyHash });
      if (before) return { job: await getJob(reads, { userId, jobId: before }), created: false, allowances: [] };
      if (refusal) throw refusal;
      await limiter.refuse(userId, tier);
    }
  } catch (error) {
    if (error instanceof LimitReached) events.rateLimited({ ...about, limit: error.limit });
    throw error;
  }
  throw new CodedError('unavailable', 'too many requests of yours at once; try again', { retryAfterSeconds: 1 });
}

interface NewJob extends SubmitInput {
  /** hex */
  idempotencyHash: string | null;
}

/** What Postgres says to the text that stands for a key that somebody else has used at the same moment. */
const INVALID_TEXT = '22P02';

/**
 * If the limits allow it, puts one more job on the tenant's lane, behind those that are queued, or at
 * the present if none is, and into the queue, and rings the bell: in one statement, which is a
 * transaction. The lane's row is locked until its end, so two submissions never stand in one place.
 * @returns undefined if it is not within the limits, or the idempotency key has been used: another's
 *   insert with it is waited for
 */
async function insertJob(
  db: Database,
  queue: JobQueue,
  { principal, request, idempotencyKey, idempotencyHash, requestId, traceparent }: NewJob,
): Promise<Submitted | undefined> {
  const { userId, tier } = principal;
  const id = uuidv7();
  const priority = effectivePriority(request.priority, tier.priority);
  const { html, url, filename, metadata, ...rest } = request;
  const at = sql`extract(epoch from now.at)::double precision`;
  const cost = sql`${costOf(tier.priority)}::double precision`;
  const isIdle = sql`not exists (select 1 from ${job} where user_id = ${userId} and is_queued)`;
  const isRepeated = sql`exists (select 1 from ${job} where user_id = ${userId} and idempotency_key = ${idempotencyKey ?? null})`;
  const queued = await queue.enqueueing(
    sql`select id, -rank as priority, ${expireInSeconds(request)}::integer as "expireInSeconds" from accepted`,
  );
  const granted = sql`l.recent[cardinality(l.recent)]`;
  const statement = sql`
    with place as (
      insert into ${lane} as l (user_id, virtual_finish, recent, day, day_count)
      select ${userId}, ${at} + ${cost}, ${FIRST_GRANT} from (select clock_timestamp() as at) as now where not ${isRepeated}
      on conflict (user_id) do update
        set (virtual_finish, recent, day, day_count) = (
          select case when ${isIdle} then ${at} else greatest(${at}, l.virtual_finish) end + ${cost}, ${oneMore(tier)}
          from (select clock_timestamp() as at) as now)
        where ${isBelow(tier)}
      returning virtual_finish, recent, day, day_count
    ), accepted as (
      insert into ${job} (id, user_id, priority, rank, request, html, url, filename, metadata, idempotency_key, idempotency_hash, tier, request_id, traceparent, created_at)
      select ${id}, ${userId}, ${priority}, ${rankOf(sql`virtual_finish`, priority)}, ${JSON.stringify(rest)}::text::jsonb,
        ${html ?? null}, ${url ?? null}, ${filename ?? null}, ${JSON.stringify(metadata)}::text::jsonb,
        ${idempotencyKey ?? null}, decode(${idempotencyHash}, 'hex'), ${tier.name}, ${requestId ?? null}, ${traceparent ?? null}, ${granted}
      from place as l
      on conflict do nothing
      returning id, rank, created_at
    ), queued as (${queued}
    ), told as materialized (
      select id, created_at, ${positionOf(sql`accepted`)} as position from accepted
    )
    select created_at, position, ${useOf(tier, granted)},
      case when position < ${MAX_POSITION} then ${ringing('queued')} end, -- behind so many nobody waits for work
      case when told.id is null then ('used ' || l.virtual_finish)::integer end, -- an error, and nothing is granted
      1 / (select count(*) from queued) as is_queued -- or else an error, and nothing is accepted
    from place as l left join told on true`;
  let row: (LaneUse & { created_at: string; position: number }) | undefined;
  try {
    [row] = await db.execute<LaneUse & { created_at: string; position: number }>(statement);
  } catch (error) {
    if (systemCodeOf(error) !== INVALID_TEXT) throw error;
  }
  if (!row) return undefined;
  const { created_at: createdAt, position: queuePosition } = row;
  return {
    job: queuedJob({ id, priority, metadata, createdAt: new Date(createdAt).toISOString(), queuePosition }),
    created: true,
    allowances: allowances(tier, row),
  };
}

/** Seconds until the queue takes a claim's worker for dead. */
function expireInSeconds({ timeoutMs }: PdfRequest): number {
  return Math.ceil(timeoutMs / 1000) + CLAIM_MARGIN_SECONDS;
}

/** @throws CodedError `idempotency_mismatch` */
async function findByIdempotencyKey(
  db: Database,
  { userId, idempotencyKey, idempotencyHash }: Pick<NewJob, 'idempotencyKey' | 'idempotencyHash'> & { userId: string },
): Promise<string | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const [before] = await db
    .select({ id: job.id, hash: job.idempotencyHash })
    .from(job)
    .where(and(entering(userId), eq(job.userId, userId), eq(job.idempotencyKey, idempotencyKey)));
  if (!before) return undefined;
  if (!before.hash || Buffer.from(before.hash).toString('hex') !== idempotencyHash) {
    throw new CodedError(
      'idempotency_mismatch',
      'Idempotency-Key: it was used with another body; allowed: the same body again, or a new key',
    );
  }
  return before.id;
}
