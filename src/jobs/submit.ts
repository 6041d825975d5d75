import { createHash } from 'node:crypto';
import { and, eq, type SQL, sql, TransactionRollbackError } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import {
  type Allowance,
  allowances,
  FIRST_GRANT,
  isBelow,
  type TenantUse,
  type Limiter,
  LimitReached,
  oneMore,
  useOf,
} from '../accounts/limits.ts';
import { type Principal, refused } from '../accounts/principals.ts';
import { notifySql } from '../db/notifier.ts';
import type { Database, Queryable } from '../db/pools.ts';
import { job, fairShare } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { type Job, queuedJob } from '../domain/job.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
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
  /** the JSON that the request was made of, if it was: what an idempotency key stands for */
  sent?: unknown;
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
/** Characters of a document; a larger one is written before its tenant's lane is locked. */
const LARGE = 65_536;

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
  const hashes = idempotencyKey === undefined ? undefined : hashesOf(input);
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const refusal = limiter.known(userId, tier);
      if (!refusal) {
        const priority = effectivePriority(request.priority, tier.priority);
        const created = await insertJob(db, queue, { ...input, id: uuidv7(), priority, hashes });
        if (created) {
          crashPoint('submit.committed');
          events.jobSubmitted({ jobId: created.job.id, ...about, priority: created.job.priority });
          return created;
        }
      }
      // A repeated request gets its job, whatever the limits say.
      const before = await findByIdempotencyKey(reads, { userId, idempotencyKey, hashes });
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

/** A job on its way into the database. */
interface Entry extends SubmitInput {
  id: string;
  priority: number;
  hashes: Hashes | undefined;
}

/** What an idempotency key was used with, as SHA-256 in hex. */
interface Hashes {
  /** of the canonical JSON that was sent */
  sent: string;
  /** of the request with every default: what the last release knows */
  request: string;
}

function hashesOf({ request, sent = request }: SubmitInput): Hashes {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  return { sent: hash(canonicalJson(sent)), request: hash(JSON.stringify(request)) };
}

/**
 * What Postgres says if somebody else has used the key at the same moment: to the text that stands for
 * that, and to the unique index.
 */
const KEY_IS_USED = new Set(['22P02', '23505']);
/** And if there is no such user. */
const NOBODYS = '23503';
/** Behind every other: a document that is not placed yet is in nobody's way, its own included. */
const LAST_RANK = 2_147_483_647;

/**
 * Makes the job, if the limits allow it, and puts it into its place.
 * @returns undefined if it is not within the limits, or the idempotency key has been used: another's
 *   insert with it is waited for
 */
async function insertJob(db: Database, queue: JobQueue, entry: Entry): Promise<Submitted | undefined> {
  const insert = (entry.request.html?.length ?? 0) > LARGE ? insertLarge : insertAtOnce;
  try {
    return await insert(db, queue, entry);
  } catch (error) {
    if (systemCodeOf(error) === NOBODYS) throw refused(); // its user was erased since the key was looked at
    const isUsed = error instanceof TransactionRollbackError || KEY_IS_USED.has(systemCodeOf(error) ?? '');
    if (!isUsed) throw error;
    return undefined;
  }
}

/** In one statement, which is a transaction. */
function insertAtOnce(db: Database, queue: JobQueue, entry: Entry): Promise<Submitted | undefined> {
  const { names, values } = columnsOf(entry);
  return place(db, queue, {
    entry,
    accept: ({ rank, createdAt, key, hash, sentHash }) => sql`
      insert into ${job} (${names}, rank, created_at, idempotency_key, idempotency_hash, sent_hash)
      select ${values}, ${rank}, ${createdAt}, ${key}, ${hash}, ${sentHash} from place as l
      on conflict do nothing
      returning id, rank, created_at`,
  });
}

/**
 * In a transaction that writes the document first, so that the lane is locked only for what is left. It has
 * no place and no key until then: both are had in the same order by every submission. What would be refused
 * as things are is not written; whether it is refused is decided behind the lock.
 */
async function insertLarge(db: Database, queue: JobQueue, entry: Entry): Promise<Submitted | undefined> {
  const { userId, tier } = entry.principal;
  const [now] = await db.execute<{ is_open: boolean }>(sql`
    select not ${isRepeated(entry)}
      and coalesce((select ${isBelow(tier)} from ${fairShare} as l where l.user_id = ${userId}), true) as is_open`);
  if (!now?.is_open) return undefined;
  const { names, values } = columnsOf(entry);
  return db.transaction(async (tx) => {
    await tx.execute(sql`insert into ${job} (${names}, rank) values (${values}, ${LAST_RANK})`);
    const placed = await place(tx, queue, {
      entry,
      accept: ({ rank, createdAt, key, hash, sentHash }) => sql`
        update ${job} as j
        set rank = ${rank}, created_at = ${createdAt},
          idempotency_key = ${key}, idempotency_hash = ${hash}, sent_hash = ${sentHash}
        from place as l where j.id = ${entry.id}
        returning j.id, j.rank, j.created_at`,
    });
    return placed ?? tx.rollback();
  });
}

/** All that is known of a job before it has its place. */
function columnsOf({ principal, request, requestId, traceparent, id, priority }: Entry): { names: SQL; values: SQL } {
  const { html, url, filename, metadata, ...rest } = request;
  return {
    names: sql.raw('id, user_id, priority, request, html, url, filename, metadata, tier, request_id, traceparent'),
    values: sql`${id}::uuid, ${principal.userId}::uuid, ${priority}::smallint, ${JSON.stringify(rest)}::text::jsonb,
      ${html ?? null}::text, ${url ?? null}::text, ${filename ?? null}::text, ${JSON.stringify(metadata)}::text::jsonb,
      ${principal.tier.name}::text, ${requestId ?? null}::text, ${traceparent ?? null}::text`,
  };
}

function isRepeated({ principal, idempotencyKey }: Entry): SQL {
  return sql`exists (select 1 from ${job} where user_id = ${principal.userId} and idempotency_key = ${idempotencyKey ?? null})`;
}

interface Placing {
  entry: Entry;
  /** what writes the job with what it gets from the row `l`; it returns id, rank and created_at */
  accept: (given: { rank: SQL; createdAt: SQL; key: SQL; hash: SQL; sentHash: SQL }) => SQL;
}

/**
 * If the limits allow it, puts one more job on the tenant's lane, behind those that are queued, or at
 * the present if none is, and into the queue, and rings the notifier: in one statement. The lane's row is
 * locked until the end of its transaction, so two submissions never stand in one place.
 */
async function place(db: Queryable, queue: JobQueue, { entry, accept }: Placing): Promise<Submitted | undefined> {
  const { principal, request, idempotencyKey, hashes, id, priority } = entry;
  const { userId, tier } = principal;
  const at = sql`extract(epoch from now.at)::double precision`;
  const cost = sql`${costOf(tier.priority)}::double precision`;
  const isIdle = sql`not exists (select 1 from ${job} where user_id = ${userId} and is_queued and id <> ${id})`;
  const queued = await queue.enqueueing(
    sql`select id, -rank as priority, ${expireInSeconds(request)}::integer as "expireInSeconds" from accepted`,
  );
  const granted = sql`l.recent[cardinality(l.recent)]`;
  const accepted = accept({
    rank: rankOf(sql`virtual_finish`, priority),
    createdAt: granted,
    key: sql`${idempotencyKey ?? null}::text`,
    hash: sql`decode(${hashes?.request ?? null}, 'hex')`,
    sentHash: sql`decode(${hashes?.sent ?? null}, 'hex')`,
  });
  const [row] = await db.execute<TenantUse & { created_at: string; position: number }>(sql`
    with place as (
      insert into ${fairShare} as l (user_id, virtual_finish, recent, day, day_count)
      select ${userId}, ${at} + ${cost}, ${FIRST_GRANT} from (select clock_timestamp() as at) as now where not ${isRepeated(entry)}
      on conflict (user_id) do update
        set (virtual_finish, recent, day, day_count) = (
          select case when ${isIdle} then ${at} else greatest(${at}, l.virtual_finish) end + ${cost}, ${oneMore(tier)}
          from (select clock_timestamp() as at) as now)
        where ${isBelow(tier)}
      returning virtual_finish, recent, day, day_count
    ), accepted as (${accepted}
    ), queued as (${queued}
    ), notified as materialized (
      select id, created_at, ${positionOf(sql`accepted`)} as position from accepted
    )
    select created_at, position, ${useOf(tier, granted)},
      case when position < ${MAX_POSITION} then ${notifySql('queued')} end, -- behind so many nobody waits for work
      case when notified.id is null then ('used ' || l.virtual_finish)::integer end, -- an error, and nothing is granted
      1 / (select count(*) from queued) as is_queued -- or else an error, and nothing is accepted
    from place as l left join notified on true`);
  if (!row) return undefined;
  const { created_at: createdAt, position: queuePosition } = row;
  const { metadata } = request;
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

/** Whether a tenant has made a job with the key. */
export async function isUsedKey(
  reads: Database,
  { userId, idempotencyKey }: { userId: string; idempotencyKey: string },
): Promise<boolean> {
  const rows = await reads
    .select({ id: job.id })
    .from(job)
    .where(and(forTenant(userId), eq(job.userId, userId), eq(job.idempotencyKey, idempotencyKey)));
  return rows.length > 0;
}

/** @throws CodedError `idempotency_mismatch` */
async function findByIdempotencyKey(
  db: Database,
  { userId, idempotencyKey, hashes }: Pick<Entry, 'idempotencyKey' | 'hashes'> & { userId: string },
): Promise<string | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const [before] = await db
    .select({ id: job.id, request: job.idempotencyHash, sent: job.sentHash })
    .from(job)
    .where(and(forTenant(userId), eq(job.userId, userId), eq(job.idempotencyKey, idempotencyKey)));
  if (!before) return undefined;
  const isSame = before.sent
    ? Buffer.from(before.sent).toString('hex') === hashes?.sent
    : Buffer.from(before.request ?? []).toString('hex') === hashes?.request; // made by the last release
  if (!isSame) {
    throw new CodedError(
      'idempotency_mismatch',
      'Idempotency-Key: it was used with another body; allowed: the same body again, or a new key',
    );
  }
  return before.id;
}
