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
import { STORE_PATIENCE_SECONDS } from './finish.ts';
import { getJob, MAX_POSITION, positionOf } from './read.ts';

export interface SubmitDeps {
  db: Database;
  /** for reads that see the rows of one tenant only */
  reads: Database;
  queue: JobQueue;
  limiter: Limiter;
  events: Events;
}

export interface SubmitInput {
  /** the job's owner, and the limits of the tier */
  principal: Pick<Principal, 'userId' | 'tier'>;
  request: PdfRequest;
  /** the JSON that the request was parsed from, if there is one; a repeated idempotency key must come with the same JSON */
  sent?: unknown;
  idempotencyKey?: string | undefined;
  requestId?: string | undefined;
  /** W3C trace context, for the worker */
  traceparent?: string | undefined;
}

export interface Submitted {
  job: Job;
  /** false if an earlier request with the idempotency key had created it */
  created: boolean;
  /** what is left of each limit of the tier; empty if the job was not created */
  allowances: Allowance[];
}

/**
 * Seconds that a claim may outlast the document's time limit before the queue takes its worker for lost. A result may
 * wait for the store so long; if the claim ended before, another worker would render the document for nothing.
 */
export const CLAIM_MARGIN_SECONDS = STORE_PATIENCE_SECONDS + 60;
/** A limit may be free again between the refusal and the query for its reason. */
const TRIES = 5;
/** Characters; a larger document is written before the tenant's fair-share state is locked. */
const LARGE = 65_536;

/**
 * Accepts a job within the tier's limits: writes both its row and its place in the queue, or neither.
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
      // A repeated request gets its job even at the limit.
      const existing = await findByIdempotencyKey(reads, { userId, idempotencyKey, hashes });
      if (existing) return { job: await getJob(reads, { userId, jobId: existing }), created: false, allowances: [] };
      if (refusal) throw refusal;
      await limiter.refuse(userId, tier);
    }
  } catch (error) {
    if (error instanceof LimitReached) events.rateLimited({ ...about, limit: error.limit });
    throw error;
  }
  throw new CodedError('unavailable', 'too many of your requests arrived at once; try again', { retryAfterSeconds: 1 });
}

/** A job that is being submitted. */
interface Entry extends SubmitInput {
  id: string;
  priority: number;
  hashes: Hashes | undefined;
}

/** SHA-256 in hex of what an idempotency key was used with. */
interface Hashes {
  /** of the canonical JSON that was sent */
  sent: string;
  /** of the request with every default, for the previous release */
  request: string;
}

function hashesOf({ request, sent = request }: SubmitInput): Hashes {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  return { sent: hash(canonicalJson(sent)), request: hash(JSON.stringify(request)) };
}

/**
 * The idempotency key is in use: unique_violation, and invalid_text_representation, which the statement in
 * {@link place} raises itself.
 */
const KEY_IS_USED = new Set(['23505', '22P02']);
const FOREIGN_KEY_VIOLATION = '23503';
/** The rank of a large document that has no place yet: behind every other job. */
const LAST_RANK = 2_147_483_647;

/**
 * Creates the job and gives it its place in the queue, if the limits allow it.
 * @returns undefined if a limit is reached or the idempotency key is in use; waits for other inserts with the same key
 */
async function insertJob(db: Database, queue: JobQueue, entry: Entry): Promise<Submitted | undefined> {
  try {
    return entry.request.source.value.length > LARGE
      ? await insertLarge(db, queue, entry)
      : await place(db, queue, entry, { hasRow: false });
  } catch (error) {
    const code = systemCodeOf(error) ?? '';
    if (code === FOREIGN_KEY_VIOLATION) throw refused(); // the user was erased after the key was checked
    if (error instanceof TransactionRollbackError || KEY_IS_USED.has(code)) return undefined;
    throw error;
  }
}

/**
 * Writes the document first, in the same transaction, so that the tenant's fair-share state is not locked while
 * megabytes are written. A job that would be refused is not written at all: the limits and the key are checked before,
 * without a lock.
 */
async function insertLarge(db: Database, queue: JobQueue, entry: Entry): Promise<Submitted | undefined> {
  const { userId, tier } = entry.principal;
  const [now] = await db.execute<{ is_open: boolean }>(sql`
    select not ${isKeyUsed(entry)}
      and coalesce((select ${isBelow(tier)} from ${fairShare} as l where l.user_id = ${userId}), true) as is_open`);
  if (!now?.is_open) return undefined;
  const { names, values } = columnsOf(entry);
  return db.transaction(async (tx) => {
    await tx.execute(sql`insert into ${job} (${names}, rank) values (${values}, ${LAST_RANK})`);
    return (await place(tx, queue, entry, { hasRow: true })) ?? tx.rollback();
  });
}

/** The columns of a job that do not depend on its place. */
function columnsOf({ principal, request, requestId, traceparent, id, priority }: Entry): { names: SQL; values: SQL } {
  const { source, filename, metadata, ...rest } = request;
  const html = source.kind === 'html' ? source.value : null;
  const url = source.kind === 'url' ? source.value : null;
  return {
    names: sql.raw('id, user_id, priority, request, html, url, filename, metadata, tier, request_id, traceparent'),
    values: sql`${id}::uuid, ${principal.userId}::uuid, ${priority}::smallint, ${JSON.stringify(rest)}::text::jsonb,
      ${html}::text, ${url}::text, ${filename ?? null}::text, ${JSON.stringify(metadata)}::text::jsonb,
      ${principal.tier.name}::text, ${requestId ?? null}::text, ${traceparent ?? null}::text`,
  };
}

function isKeyUsed({ principal, idempotencyKey }: Entry): SQL {
  return sql`exists (select 1 from ${job} where user_id = ${principal.userId} and idempotency_key = ${idempotencyKey ?? null})`;
}

/**
 * Gives the job its place, in one statement, to save round trips. Each part reads from the one before:
 *
 * - `place` counts the job in the row `l`, the tenant's fair-share state, if the tenant is below the limits. The job's
 *   virtual time begins where the tenant's last queued job ends, or now if none is queued. The row stays locked until
 *   the commit, so that limits are exact and no two jobs get the same place.
 * - `accepted` writes the job's row with the rank of that place; `hasRow`: updates the row there is.
 * - `queued` adds the job to the queue; the statement is pg-boss's own.
 * - `notified` has the job's position. Workers are notified unless so many jobs are ahead that no worker can be idle.
 *
 * No row of `place`: nothing is written, and nothing returned. With a row of `place` and none of `accepted` the key is
 * in use: a cast that fails (22P02) undoes the count. Without a row in `queued` a division by zero undoes everything.
 */
async function place(
  db: Queryable,
  queue: JobQueue,
  entry: Entry,
  { hasRow }: { hasRow: boolean },
): Promise<Submitted | undefined> {
  const { principal, request, idempotencyKey, hashes, id, priority } = entry;
  const { userId, tier } = principal;

  const now = sql`(select clock_timestamp() as at) as now`;
  const present = sql`extract(epoch from now.at)::double precision`;
  const cost = sql`${costOf(tier.priority)}::double precision`;
  const isIdle = sql`not exists (select 1 from ${job} where user_id = ${userId} and is_queued and id <> ${id})`;
  const start = sql`case when ${isIdle} then ${present} else greatest(${present}, l.virtual_finish) end`;

  const acceptedAt = sql`l.recent[cardinality(l.recent)]`;
  const placeNames = sql.raw('rank, created_at, idempotency_key, idempotency_hash, sent_hash');
  const placeValues = sql`${rankOf(sql`virtual_finish`, priority)}, ${acceptedAt}, ${idempotencyKey ?? null}::text,
    decode(${hashes?.request ?? null}, 'hex'), decode(${hashes?.sent ?? null}, 'hex')`;
  let accepted = sql`update ${job} as j set (${placeNames}) = (${placeValues}) from place as l where j.id = ${id}
    returning j.id, j.rank, j.created_at`;
  if (!hasRow) {
    const { names, values } = columnsOf(entry);
    accepted = sql`insert into ${job} (${names}, ${placeNames}) select ${values}, ${placeValues} from place as l
      on conflict do nothing returning id, rank, created_at`;
  }
  const queued = await queue.enqueueing(
    sql`select id, -rank as priority, ${expireInSeconds(request)}::integer as "expireInSeconds" from accepted`,
  );

  const [row] = await db.execute<TenantUse & { created_at: string; position: number }>(sql`
    with place as (
      insert into ${fairShare} as l (user_id, virtual_finish, recent, day, day_count)
      select ${userId}, ${present} + ${cost}, ${FIRST_GRANT} from ${now} where not ${isKeyUsed(entry)}
      on conflict (user_id) do update
        set (virtual_finish, recent, day, day_count) = (select ${start} + ${cost}, ${oneMore(tier)} from ${now})
        where ${isBelow(tier)}
      returning virtual_finish, recent, day, day_count
    ), accepted as (${accepted}
    ), queued as (${queued}
    ), notified as materialized (
      select id, created_at, ${positionOf(sql`accepted`)} as position from accepted
    )
    select created_at, position, ${useOf(tier, acceptedAt)},
      case when position < ${MAX_POSITION} then ${notifySql('queued')} end,
      case when notified.id is null then ('used ' || l.virtual_finish)::integer end,
      1 / (select count(*) from queued) as is_queued
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

/** Seconds after which the queue takes the worker of a claim for lost. */
function expireInSeconds({ timeoutMs }: PdfRequest): number {
  return Math.ceil(timeoutMs / 1000) + CLAIM_MARGIN_SECONDS;
}

/** Whether the tenant has a job with this idempotency key. */
export async function isUsedKey(reads: Database, key: { userId: string; idempotencyKey: string }): Promise<boolean> {
  return (await readKey(reads, key)).length > 0;
}

/** @throws CodedError `idempotency_mismatch` */
async function findByIdempotencyKey(
  reads: Database,
  { userId, idempotencyKey, hashes }: Pick<Entry, 'idempotencyKey' | 'hashes'> & { userId: string },
): Promise<string | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const [existing] = await readKey(reads, { userId, idempotencyKey });
  if (!existing) return undefined;
  const isSame = existing.sent
    ? Buffer.from(existing.sent).toString('hex') === hashes?.sent
    : Buffer.from(existing.request ?? []).toString('hex') === hashes?.request; // created by the previous release
  if (isSame) return existing.id;
  throw new CodedError(
    'idempotency_mismatch',
    'Idempotency-Key: it was used with another body; allowed: the same body again, or a new key',
  );
}

const readKey = (reads: Database, { userId, idempotencyKey }: { userId: string; idempotencyKey: string }) =>
  reads
    .select({ id: job.id, request: job.idempotencyHash, sent: job.sentHash })
    .from(job)
    .where(and(forTenant(userId), eq(job.userId, userId), eq(job.idempotencyKey, idempotencyKey)));
