import { createHash } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { type Allowance, allowances, type Limiter, LimitReached, limitsOf, type TierUse } from '../accounts/limits.ts';
import type { Principal } from '../accounts/principals.ts';
import { type Database, postgresErrorOf } from '../db/pools.ts';
import { job } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { acceptedJob, type Job } from '../domain/job.ts';
import { isWebhookId, type RequestDeliveries, type Upload } from '../domain/delivery.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { priorityNumber } from '../domain/priority.ts';
import { traceIdOf } from '../domain/trace-context.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import { crashPoint } from '../kernel/crash-point.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Events } from '../telemetry/events.ts';
import { checkRetention, type RetentionBound } from './check-retention.ts';
import { checkTargets } from './check-targets.ts';
import { jobSettings, partRows, templatesOf } from './part-rows.ts';
import { isPaused } from './pauses.ts';
import { getJob } from './read.ts';
import { refusalOf } from './refusals.ts';
import { resolveRequest, type RequestInput, type Resolved } from './resolve-request.ts';

export interface SubmitDeps extends RetentionBound {
  db: Database;
  /** for reads that see the rows of one tenant only */
  reads: Database;
  limiter: Limiter;
  events: Events;
  /** refuses addresses that may not be sent to, as far as their text shows; the worker checks them in any case */
  egress?: Pick<EgressPolicy, 'denyHost'>;
}

export interface SubmitInput extends RequestInput {
  /** the job's owner, and the limits of the tier */
  principal: Pick<Principal, 'userId' | 'tier'>;
  idempotencyKey?: string | undefined;
  requestId?: string | undefined;
  /** W3C trace context, for the worker */
  traceparent?: string | undefined;
  /** the id of the job that this one is a retry of */
  retryOf?: string | undefined;
}

export interface Submitted {
  job: Job;
  /** false if an earlier request with the idempotency key had created it */
  created: boolean;
  /** what is left of each limit of the tier; empty if the job was not created */
  allowances: Allowance[];
}

/** The error of `pdfprompt_submit` in the database that is no refusal. */
const KEY_IN_USE = 'PDF02';

/**
 * Accepts a job within the tier's limits: writes its row, its parts and its place in the queue, or none of them.
 * @throws CodedError `idempotency_mismatch` if the key was used with another request
 * @throws LimitReached
 */
export async function submitJob(deps: SubmitDeps, input: SubmitInput): Promise<Submitted> {
  const { db, limiter, events } = deps;
  const { idempotencyKey } = input;
  const { userId, tier } = input.principal;
  const about = { userId, tier: tier.name, requestId: input.requestId, traceId: traceIdOf(input.traceparent) };
  try {
    const refusal = limiter.known(userId, tier);
    if (refusal) {
      // A repeated request gets its job even at the limit.
      const repeated = await findRepeated(deps, input);
      if (repeated) return repeated;
      throw refusal;
    }
    const resolved = await resolveRequest(deps, input).catch(async (error: unknown) => {
      // A repeated request gets its job, whatever became of its template, or of the job whose PDF it takes.
      const repeated = await findRepeated(deps, input);
      if (!repeated) throw error;
      return repeated;
    });
    if ('job' in resolved) return resolved;
    if (deps.egress) checkTargets(deps.egress, resolved.request.deliveries);
    checkRetention(deps, resolved.request);
    const submitted = await insertJob(db, resolved, idempotencyKey === undefined ? undefined : hashOf(input));
    crashPoint('submit.committed');
    events.jobSubmitted({ jobId: submitted.job.id, ...about, priority: submitted.job.priority });
    return submitted;
  } catch (error) {
    if (postgresErrorOf(error)?.code === KEY_IN_USE) {
      const repeated = await findRepeated(deps, input);
      if (repeated) return repeated;
      throw new CodedError('unavailable', 'the job of this idempotency key was just deleted; try again', {
        retryAfterSeconds: 1,
      });
    }
    const reached = refusalOf(error, { limiter, userId }) ?? error;
    if (reached instanceof LimitReached) events.rateLimited({ ...about, limit: reached.limit });
    throw reached;
  }
}

/** A row of `pdfprompt_submit`. Without a place in the queue the job is scheduled. */
type Accepted = TierUse & {
  accepted_at: string;
  job_priority: number;
  queue_position: number | null;
  is_paused: boolean;
};

/**
 * @param sentHash of what was sent, before anything was resolved: a repeated request is compared as it is sent
 * @throws PostgresError with a code of `pdfprompt_submit`
 */
async function insertJob(db: Database, input: Resolved<SubmitInput>, sentHash: string | undefined): Promise<Submitted> {
  const { principal, request, idempotencyKey, requestId, traceparent } = input;
  const { deliveries, filename, metadata } = request;
  const settings = jobSettings(request);
  const wanted = toRows(deliveries);
  const [first, ...more] = partRows(input);
  const id = uuidv7();
  const runAt = request.runAt?.replace(/(\.\d{3})\d+/, '$1') ?? null; // to the millisecond, as it is shown
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  const [row] = await db.execute<Accepted>(sql`
    select submitted.*, ${isPaused({ tier: principal.tier.name, userId: principal.userId })} as is_paused${wanted.length > 0 ? sql`, pdfprompt_add_deliveries(${id}, ${principal.userId}, ${JSON.stringify(wanted)}::text::jsonb)` : sql``}
    from pdfprompt_submit(
      id => ${id}, user_id => ${principal.userId},
      kind => ${first.kind}, content => ${first.content ?? null}, data => ${json(first.data)}::text::jsonb,
      shown => ${first.shown ?? null}, part_settings => ${JSON.stringify(first.settings ?? {})}::text::jsonb,
      files => ${json(first.files)}::text::jsonb,
      template_version => ${first.template_version ?? null}, template => ${first.template ?? null},
      more_parts => ${JSON.stringify(more)}::text::jsonb,
      request => ${JSON.stringify(settings)}::text::jsonb, filename => ${filename ?? null},
      metadata => ${JSON.stringify(metadata)}::text::jsonb, priority => ${priorityNumber(request.priority) ?? null},
      idempotency_key => ${idempotencyKey ?? null},
      sent_hash => decode(${sentHash ?? null}, 'hex'),
      request_id => ${requestId ?? null}, traceparent => ${traceparent ?? null},
      run_at => ${runAt}::timestamptz, retry_of => ${input.retryOf ?? null},
      retention_seconds => ${request.retention ?? null}) as submitted`);
  if (!row) throw new Error('the database returned no row for a function that returns one');
  const createdAt = new Date(row.accepted_at).toISOString();
  const job = acceptedJob({
    id,
    priority: row.job_priority,
    metadata,
    templates: templatesOf(input.parts),
    upload: deliveries?.upload ? { status: 'pending', attempts: 0, error: null } : null,
    createdAt,
    runAt: runAt === null ? null : new Date(runAt).toISOString(),
    queuePosition: row.queue_position,
    retryOf: input.retryOf ?? null,
    paused: row.is_paused && row.queue_position !== null,
  });
  return { job, created: true, allowances: allowances(limitsOf(row), row) };
}

/** Deliveries as `pdfprompt_add_deliveries` takes them. */
export function toRows({ webhook, upload }: RequestDeliveries = {}): object[] {
  return [
    ...(webhook === undefined
      ? []
      : [{ kind: 'webhook', ...(isWebhookId(webhook) ? { webhook } : { url: new URL(webhook).href }) }]),
    ...(upload ? [uploadRow(upload)] : []),
  ];
}

function uploadRow({ url, headers, method, disposition, reports }: Upload): object {
  const isPlain = method === undefined && disposition === undefined;
  return {
    kind: 'upload',
    url: new URL(url).href,
    headers,
    ...(!isPlain && { options: { method, disposition } }),
    reports: reports?.map(({ on, url: to, headers: own, ...options }) => ({
      on,
      url: new URL(to).href,
      headers: own,
      options,
    })),
  };
}

/** SHA-256 in hex of what a repeated idempotency key must come with again. */
function hashOf({ request, sent = request, files }: SubmitInput): string {
  const sentFiles = files && files.length > 0 && { ...(sent as object), files }; // however each of them was sent
  return createHash('sha256')
    .update(canonicalJson(sentFiles || sent))
    .digest('hex');
}

/** The job that an earlier request with the idempotency key has created. @throws CodedError `idempotency_mismatch` */
async function findRepeated({ reads }: SubmitDeps, input: SubmitInput): Promise<Submitted | undefined> {
  const { principal, idempotencyKey } = input;
  if (idempotencyKey === undefined) return undefined;
  const { userId } = principal;
  const [existing] = await readKey(reads, { userId, idempotencyKey });
  if (!existing) return undefined;
  if (Buffer.from(existing.sent ?? []).toString('hex') !== hashOf(input))
    throw new CodedError(
      'idempotency_mismatch',
      'Idempotency-Key: it was used with another body; allowed: the same body again, or a new key',
    );
  return { job: await getJob(reads, { userId, jobId: existing.id }), created: false, allowances: [] };
}

/** Whether the tenant has a job with this idempotency key. */
export async function isUsedKey(reads: Database, key: { userId: string; idempotencyKey: string }): Promise<boolean> {
  return (await readKey(reads, key)).length > 0;
}

const readKey = (reads: Database, { userId, idempotencyKey }: { userId: string; idempotencyKey: string }) =>
  reads
    .select({ id: job.id, sent: job.sentHash })
    .from(job)
    .where(and(forTenant(userId), eq(job.userId, userId), eq(job.idempotencyKey, idempotencyKey)));
