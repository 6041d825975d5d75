import { createHash } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { type Allowance, allowances, type Limiter, LimitReached, limitsOf, type TierUse } from '../accounts/limits.ts';
import type { Principal } from '../accounts/principals.ts';
import { type Database, postgresErrorOf } from '../db/pools.ts';
import { prepared } from '../db/prepared.ts';
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
  /** of the job, if it is created; default: a new one */
  makeId?: () => string;
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

/** A statement of `pdfprompt_submit`. The values of its placeholders are those of {@link insertJob}. */
const submitStatement = (more = sql``) =>
  prepared<Accepted>(sql`
    select submitted.*, ${isPaused({ tier: sql.placeholder('tier'), userId: sql.placeholder('userId') })} as is_paused${more}
    from pdfprompt_submit(
      id => ${sql.placeholder('id')}, user_id => ${sql.placeholder('userId')},
      kind => ${sql.placeholder('kind')}, content => ${sql.placeholder('content')}, data => ${sql.placeholder('data')}::text::jsonb,
      shown => ${sql.placeholder('shown')}, part_settings => ${sql.placeholder('partSettings')}::text::jsonb,
      files => ${sql.placeholder('files')}::text::jsonb,
      template_version => ${sql.placeholder('templateVersion')}, template => ${sql.placeholder('template')},
      more_parts => ${sql.placeholder('moreParts')}::text::jsonb,
      request => ${sql.placeholder('settings')}::text::jsonb, filename => ${sql.placeholder('filename')},
      metadata => ${sql.placeholder('metadata')}::text::jsonb, priority => ${sql.placeholder('priority')},
      idempotency_key => ${sql.placeholder('idempotencyKey')},
      sent_hash => decode(${sql.placeholder('sentHash')}, 'hex'),
      request_id => ${sql.placeholder('requestId')}, traceparent => ${sql.placeholder('traceparent')},
      run_at => ${sql.placeholder('runAt')}::timestamptz, retry_of => ${sql.placeholder('retryOf')},
      retention_seconds => ${sql.placeholder('retention')}) as submitted`);

const submitPlain = submitStatement();
const submitWithDeliveries = submitStatement(
  sql`, pdfprompt_add_deliveries(${sql.placeholder('id')}, ${sql.placeholder('userId')}, ${sql.placeholder('deliveries')}::text::jsonb)`,
);

/**
 * @param sentHash of what was sent, before anything was resolved: a repeated request is compared as it is sent
 * @throws PostgresError with a code of `pdfprompt_submit`
 */
async function insertJob(db: Database, input: Resolved<SubmitInput>, sentHash: string | undefined): Promise<Submitted> {
  const { principal, request, requestId, traceparent } = input;
  const { deliveries, filename, metadata } = request;
  const wanted = toRows(deliveries);
  const [first, ...more] = partRows(input);
  const id = (input.makeId ?? uuidv7)();
  const runAt = request.runAt?.replace(/(\.\d{3})\d+/, '$1') ?? null; // to the millisecond, as it is shown
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  const submit = wanted.length > 0 ? submitWithDeliveries : submitPlain;
  const [row] = await submit(db, {
    id,
    userId: principal.userId,
    tier: principal.tier.name,
    kind: first.kind,
    content: first.content ?? null,
    data: json(first.data),
    shown: first.shown ?? null,
    partSettings: JSON.stringify(first.settings ?? {}),
    files: json(first.files),
    templateVersion: first.template_version ?? null,
    template: first.template ?? null,
    moreParts: JSON.stringify(more),
    settings: JSON.stringify(jobSettings(request)),
    filename: filename ?? null,
    metadata: JSON.stringify(metadata),
    priority: priorityNumber(request.priority) ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
    sentHash: sentHash ?? null,
    requestId: requestId ?? null,
    traceparent: traceparent ?? null,
    runAt,
    retryOf: input.retryOf ?? null,
    retention: request.retention ?? null,
    deliveries: JSON.stringify(wanted),
  });
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
