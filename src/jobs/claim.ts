import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import { type Database, postgresErrorOf, type Transaction } from '../db/pools.ts';
import { prepared } from '../db/prepared.ts';
import { job, jobAttempt, part, worker } from '../db/schema.ts';
import { type PrintSettings, withDefaults } from '../domain/pdf-request.ts';
import { type Priority, priorityName } from '../domain/priority.ts';
import type { Claim, JobQueue } from '../queue/boss.ts';
import type { Events } from '../telemetry/events.ts';
import { endLostRun, LOST_COLUMNS, type LostJobs, toRunAbout } from './lost-jobs.ts';
import { isPaused } from './pauses.ts';
import { setAsideClaimed, setAsideNext } from './paused-jobs.ts';
import { retryAfterDeadlock } from './retry-after-deadlock.ts';
import { type PartColumns, type StoredDocuments, storedDocuments } from './stored-request.ts';

/** A job that a worker has claimed. `run` guards its result: the next claim of the job has a higher number. */
export interface ClaimedJob extends StoredDocuments {
  claim: Claim;
  id: string;
  userId: string;
  /** the user's tier when the job was accepted */
  tier: string;
  priority: Priority;
  /** of the request that created the job */
  requestId: string | undefined;
  /** W3C trace context of that request */
  traceparent: string | undefined;
  run: number;
  /** attempts that count, with this one */
  attempt: number;
  /** workers that were lost while they ran the job, which may be the cause */
  losses: number;
  /** since the job was accepted, by the database's clock */
  waitedMs: number;
  filename: string | undefined;
  /** of an item of a batch, or of the job that merges the items; `row`: of an item */
  batch: { id: string; row: number | undefined } | undefined;
  /** of the job as a whole */
  settings: PrintSettings;
}

/** Whether the job is an item of a batch. */
export const isItem = ({ batch }: Pick<ClaimedJob, 'batch'>) => batch?.row !== undefined;

/** Id of the batch whose items the job merges, if it does. */
export const mergedBatch = ({ batch }: Pick<ClaimedJob, 'batch'>) => (batch?.row === undefined ? batch?.id : undefined);

interface ClaimInput {
  workerId: string;
  /** jobs at most */
  count: number;
}

/** The worker was marked lost: it must register again before it can claim jobs. */
export class NotRegistered extends Error {}

interface ClaimDeps {
  db: Database;
  queue: JobQueue;
  events: Events;
}

/**
 * Takes jobs in the queue's order and marks them as processing: in one statement, if all that it takes can be begun, and
 * otherwise in a short transaction.
 * @throws NotRegistered, and nothing is claimed
 */
export async function claimJobs(deps: ClaimDeps, input: ClaimInput): Promise<ClaimedJob[]> {
  const { db, queue } = deps;
  const { count } = input;
  if (performance.now() < (inSteps.get(queue) ?? 0)) return claimSome(deps, input);
  try {
    const rows = await retryAfterDeadlock(() =>
      queue.claimWith(count, (claims) => statementFor(claims, input)(db, {})),
    );
    return withParts(rows).map((begun) => toClaimed({ id: begun.id, retryCount: begun.job.retryCount }, begun));
  } catch (error) {
    const { code } = postgresErrorOf(error) ?? {};
    if (code === undefined || !NEEDS_STEPS.has(code)) throw error;
    inSteps.set(queue, performance.now() + IN_STEPS_MS);
    return claimSome(deps, input);
  }
}

/**
 * Takes jobs of which not all can be begun. Those that are paused lose their places, and others are taken instead; those
 * that have ended leave the queue.
 * @throws NotRegistered, and nothing is claimed
 */
async function claimSome({ db, queue, events }: ClaimDeps, { workerId, count }: ClaimInput): Promise<ClaimedJob[]> {
  let expired: LostJobs = { requeued: [], poisoned: [] };
  const claim = async (tx: Transaction): Promise<{ jobs: ClaimedJob[]; mayBeMore: boolean }> => {
    expired = { requeued: [], poisoned: [] };
    const claims = await queue.claim(tx, count);
    if (claims.length === 0) return { jobs: [], mayBeMore: false };
    const ids = claims.map(({ id }) => id);
    let rows = await start(tx, ids, workerId);
    if (rows.length < ids.length && (await tx.execute(livingWorker(workerId))).length === 0)
      throw new NotRegistered(workerId);
    const others = notIn(rows, ids);
    if (others.length > 0) expired = await endExpiredRuns(tx, queue, others);
    if (expired.requeued.length > 0) rows = [...rows, ...(await start(tx, others, workerId))];
    const paused = rows.length < ids.length ? await setAsidePaused(tx, queue, notIn(rows, ids)) : [];
    const waiting = await stillWaiting(
      tx,
      notIn(rows, ids).filter((id) => !paused.includes(id)),
    );
    const jobs: ClaimedJob[] = [];
    for (const place of claims) {
      const row = rows.find((each) => each.id === place.id);
      if (row) jobs.push(toClaimed(place, row));
      else if (waiting.includes(place.id)) await queue.requeue(tx, place);
      else if (!paused.includes(place.id)) await queue.complete(tx, place); // the job ended while it was in the queue, or is about to with its batch
    }
    return { jobs, mayBeMore: jobs.length === 0 && paused.length + waiting.length > 0 };
  };
  for (;;) {
    const { jobs, mayBeMore } = await retryAfterDeadlock(() => db.transaction(claim));
    for (const each of expired.requeued) events.jobRequeued(each, 'lost');
    for (const each of expired.poisoned) events.jobPoisoned(each);
    if (!mayBeMore) return jobs;
  }
}

const notIn = (rows: readonly { id: string }[], ids: readonly string[]) =>
  ids.filter((id) => !rows.some((row) => row.id === id));

/** Takes away the places of claimed jobs that are paused, and of those at the front of the queue, which would be next. */
async function setAsidePaused(tx: Transaction, queue: JobQueue, ids: readonly string[]): Promise<string[]> {
  const paused = await setAsideClaimed(tx, queue, ids);
  if (paused.length > 0) await setAsideNext(tx, queue);
  return paused;
}

/** Locks the worker's row: it is marked lost either before the claim, which then fails, or after it, with these jobs. */
const livingWorker = (workerId: string | SQL) =>
  sql`select 1 from ${worker} where ${worker.id} = ${workerId} and ${worker.endedAt} is null for share`;

/** Not of a batch that is being cancelled, which cancels its items piece by piece. Not as a join: it looks up one row of each job. */
const isWanted = sql`
  (select b.status = 'cancelled' and b.completed_at is null from pdfprompt_batch b where b.id = ${job.batchId}) is not true`;

const isNotPaused = sql`not ${isPaused({ tier: sql`${job.tier}`, userId: sql`${job.userId}` })}`;

interface BeginInput {
  workerId: string | SQL;
  /** expressions for the ids of the jobs; null: none. Not a subquery, nor a join: Postgres might look through all jobs. */
  ids: SQL[];
  /**
   * the same statement claims the jobs: it fails with {@link NOT_BEGUN} if one is not begun, or had another run since the
   * statement's snapshot, from which the parts are read
   */
  atOnce: boolean;
}

/**
 * A statement: if the worker is alive, marks the queued ones of the jobs as processing, begins an attempt at each, and
 * reads their parts: a row for each part, or one without a part.
 * @param claims a query for their `id` and `"retryCount"`
 */
const begin = (claims: SQL, { workerId, ids, atOnce }: BeginInput) => sql`
  with claims as (${claims}), begun as (
    update ${job} set status = 'processing', runs = ${job.runs} + 1, attempts = ${job.attempts} + 1, started_at = now(),
      worker_id = ${workerId}, paused_at = null
    where id = any (array[${sql.join(ids, sql`, `)}]) and coalesce(status, '') = 'queued' and ${isWanted} and ${isNotPaused}
      and exists (${livingWorker(workerId)})
    returning id, user_id as "userId", tier, priority, request_id as "requestId", traceparent, runs, attempts, losses,
      (extract(epoch from started_at - created_at) * 1000)::double precision as "waitedMs", filename,
      batch_id as "batchId", batch_row as "batchRow", request, html, url
  ), attempts as (
    insert into ${jobAttempt} (job_id, run, worker_id) select id, runs, ${workerId} from begun
  )
  select begun.*, claims."retryCount", part.position, part.kind, part.content, part.data, part.settings,
    part.has_files as "hasFiles", part.template_version as "templateVersion"${atOnce ? UNLESS_BEGUN : sql``}
  from (select id, "retryCount", row_number() over () as place from claims) as claims
    left join begun using (id)
    left join lateral (select * from ${part} as p where p.job_id = begun.id offset 0) as part on true
  where begun.id is not null or ${sql.raw(String(atOnce))}
  order by claims.place, part.position`;

const UNLESS_BEGUN = sql`, case when
  begun.id is null or begun.runs <> 1 + (select before.runs from ${job} as before where before.id = begun.id)
  then pdfprompt_not_begun(claims.id) end`;

const statements = new Map<string, ReturnType<typeof prepared<BegunRow>>>();

/**
 * Claims and begins as many jobs: the text is made once. It has no parameter, so Postgres plans it each time: a plan that
 * was made while few waited may look through all that wait, for as long as nobody analyses the queue's table.
 * @param claims the queue's query
 */
function statementFor(claims: string, { workerId, count }: ClaimInput): ReturnType<typeof prepared<BegunRow>> {
  const key = `${workerId} ${claims}`;
  const own = sql.raw(`'${workerId.replaceAll("'", '')}'::uuid`);
  const made =
    statements.get(key) ??
    prepared<BegunRow>(begin(sql.raw(claims), { workerId: own, ids: claimedIds(count), atOnce: true }));
  statements.set(key, made);
  return made;
}

const claimedIds = (count: number) =>
  Array.from({ length: count }, (_, index) => sql.raw(`(select id from claims offset ${index} limit 1)`));

/** Raised by a claim in one statement. */
const NOT_BEGUN = 'PDF14';
/** The others: the role may not call the function that raises it, or does not have it. */
const NEEDS_STEPS = new Set([NOT_BEGUN, '42501', '42883']);
/** Such jobs come in numbers: those of a user who is paused, of a batch that is being cancelled. Each would be an error in Postgres's log. */
const IN_STEPS_MS = 5_000;
/** by queue: until when its claims are made in steps */
const inSteps = new WeakMap<JobQueue, number>();

/** Begins jobs that this transaction has claimed. */
async function start(tx: Transaction, ids: string[], workerId: string): Promise<BegunJob[]> {
  const claims = sql`select id, 0 as "retryCount" from unnest(${arrayLiteral(ids)}::uuid[]) as id`;
  const each = ids.map((id) => sql`${id}::uuid`);
  return withParts(await tx.execute<BegunRow>(begin(claims, { workerId, ids: each, atOnce: false })));
}

/**
 * Of jobs that were not begun, those that can be: a pause ended between the statement that would have begun them and the
 * one that takes away the places of paused jobs.
 */
async function stillWaiting(tx: Transaction, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await tx
    .select({ id: job.id })
    .from(job)
    .where(and(inArray(job.id, ids), eq(job.status, 'queued'), isWanted));
  return rows.map(({ id }) => id);
}

/** For jobs that no worker's loss has requeued: the queue let their claims expire, and they are still processing. */
async function endExpiredRuns(tx: Transaction, queue: JobQueue, ids: string[]): Promise<LostJobs> {
  const rows = await tx
    .select({ ...LOST_COLUMNS, losses: job.losses })
    .from(job)
    .where(and(inArray(job.id, ids), eq(job.status, 'processing')))
    .for('update');
  const expired: LostJobs = { requeued: [], poisoned: [] };
  for (const row of rows) {
    const isQueued = await endLostRun(tx, queue, row, { reason: 'its claim expired', losses: row.losses + 1 });
    expired[isQueued ? 'requeued' : 'poisoned'].push(toRunAbout(row));
  }
  return expired;
}

type BegunRow = Pick<
  typeof job.$inferSelect,
  | 'id' | 'userId' | 'tier' | 'priority' | 'requestId' | 'traceparent' | 'runs' | 'attempts' | 'losses' | 'filename'
  | 'batchId' | 'batchRow' | 'request' | 'html' | 'url'
> & { retryCount: number; waitedMs: number } & (PartColumns | { [Column in keyof PartColumns]: null }); // prettier-ignore

interface BegunJob {
  id: string;
  job: BegunRow;
  parts: PartColumns[];
}

const withParts = (rows: readonly BegunRow[]): BegunJob[] =>
  [...Map.groupBy(rows, ({ id }) => id)].flatMap(([id, its]) => {
    const [first] = its;
    return first ? [{ id, job: first, parts: its.filter((row) => row.kind !== null) }] : [];
  });

function toClaimed(claim: Claim, { id, job: row, parts }: BegunJob): ClaimedJob {
  return {
    claim,
    id,
    userId: row.userId,
    tier: row.tier,
    priority: priorityName(row.priority),
    requestId: row.requestId ?? undefined,
    traceparent: row.traceparent ?? undefined,
    run: row.runs,
    attempt: row.attempts,
    losses: row.losses,
    waitedMs: Math.round(row.waitedMs),
    filename: row.filename ?? undefined,
    batch: row.batchId === null ? undefined : { id: row.batchId, row: row.batchRow ?? undefined },
    ...storedDocuments(row, parts),
    settings: withDefaults(row.request),
  };
}
