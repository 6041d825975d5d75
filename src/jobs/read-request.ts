import { setTimeout as sleep } from 'node:timers/promises';
import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import { putAsset, type PutAssetDeps } from '../assets/put-asset.ts';
import { putFilesOfParts } from '../assets/put-sent-files.ts';
import type { Transaction } from '../db/pools.ts';
import { delivery, job, part } from '../db/schema.ts';
import { type RequestDeliveries, webhookField } from '../domain/delivery.ts';
import type { Failure } from '../domain/outcome.ts';
import { parsePdfRequest, requestFiles, withDefaults } from '../domain/pdf-request.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { checkRetention, type RetentionBound } from './check-retention.ts';
import { checkTargets } from './check-targets.ts';
import type { ClaimedJob } from './claim.ts';
import { jobSettings, partRows, templatesOf } from './part-rows.ts';
import { partRefusalOf } from './refusals.ts';
import { patiently, STORE_PAUSE_MS } from './patiently.ts';
import { toRows } from './submit.ts';
import { resolveRequest, type RequestInput, type Resolved } from './resolve-request.ts';
import { storedDocuments } from './stored-request.ts';

export interface ReadRequestDeps extends PutAssetDeps, RetentionBound {
  /** where webhooks and uploads may go */
  egress: Pick<EgressPolicy, 'denyHost'>;
}

/** The job has ended, or another claim of it has followed. */
class StaleRun extends Error {}

/**
 * Reads a request that was submitted in SQL as the API reads one, and replaces it by the parts that it asks for, so that
 * from then on the job is like any other. Waits a while for the database and for the store of files.
 * @returns the job with its parts, or why there are none: a request that is not valid is `invalid_request`
 */
export async function readRequest(
  deps: ReadRequestDeps,
  claimed: ClaimedJob,
  signal: AbortSignal,
): Promise<ClaimedJob | Failure> {
  try {
    return await patiently(() => read(deps, claimed), signal);
  } catch (error) {
    if (signal.aborted || error instanceof StaleRun) return { kind: 'interrupted' };
    if (!(error instanceof CodedError)) throw error;
    if (error.code === 'unavailable') {
      await sleep(STORE_PAUSE_MS, undefined, { signal }).catch(() => undefined);
      return { kind: 'interrupted', reason: 'store' };
    }
    return { kind: 'reject', code: 'invalid_request', message: error.message };
  }
}

/** @throws CodedError as for a request that the API refuses; StaleRun */
async function read(deps: ReadRequestDeps, claimed: ClaimedJob): Promise<ClaimedJob> {
  const { db, egress } = deps;
  const { userId, unread } = claimed;
  if (!isWebhookAllowed(egress, unread)) await forgetWebhook(deps, claimed);
  const parsed = parsePdfRequest(unread);
  if (!parsed.ok) throw invalidFields(parsed.fields);
  const { request, sent } = parsed;
  checkTargets(egress, request.deliveries);
  const files = await putFilesOfParts((file) => putAsset(deps, { userId, ...file }), requestFiles(request));
  const resolved = await resolveRequest({ reads: db }, { principal: { userId }, request, sent, files });
  checkTargets(egress, resolved.request.deliveries);
  checkRetention(deps, resolved.request);
  return replaceParts(deps, claimed, resolved);
}

/** Whether the end of the job may be reported, though the rest of the request may not be valid. */
function isWebhookAllowed(egress: ReadRequestDeps['egress'], unread: unknown): boolean {
  const { webhook } = unread as { webhook?: unknown };
  const parsed = webhookField.safeParse(webhook);
  if (!parsed.success) return webhook === undefined || webhook === null;
  try {
    checkTargets(egress, { webhook: parsed.data });
    return true;
  } catch {
    return false;
  }
}

async function forgetWebhook({ db }: ReadRequestDeps, { id }: ClaimedJob): Promise<void> {
  await db
    .delete(delivery)
    .where(and(eq(delivery.jobId, id), eq(delivery.kind, 'webhook'), eq(delivery.status, 'awaiting')));
}

/** @throws CodedError if what the parts refer to is gone; StaleRun */
async function replaceParts(
  { db }: ReadRequestDeps,
  claimed: ClaimedJob,
  resolved: Resolved<RequestInput>,
): Promise<ClaimedJob> {
  const { id, userId, run } = claimed;
  const { request } = resolved;
  const { filename, metadata, retention } = request;
  const templates = templatesOf(resolved.parts);
  try {
    return await db.transaction(async (tx) => {
      const [row] = await tx
        .update(job)
        .set({
          request: sql`${JSON.stringify(jobSettings(request))}::text::jsonb`,
          metadata: sql`${JSON.stringify(metadata)}::text::jsonb`,
          filename: filename ?? null,
          templates: templates.length > 0 ? templates : null,
          // Otherwise it stays as it was accepted.
          ...(retention !== undefined && { retentionSeconds: retention }),
        })
        .where(and(eq(job.id, id), eq(job.status, 'processing'), eq(job.runs, run)))
        .returning();
      if (!row) throw new StaleRun();
      await replaceDeliveries(tx, claimed, request.deliveries);
      await tx.delete(part).where(eq(part.jobId, id));
      await tx.execute(sql`
        select pdfprompt_add_part(${id}, (place - 1)::integer, ${userId}, part ->> 'kind', part ->> 'content', part -> 'data',
          part ->> 'shown', coalesce(part -> 'settings', '{}'), part -> 'files', (part ->> 'template_version')::uuid)
        from jsonb_array_elements(${JSON.stringify(partRows(resolved))}::text::jsonb) with ordinality as p (part, place)`);
      const parts = await tx.select().from(part).where(eq(part.jobId, id)).orderBy(part.position);
      const settings = withDefaults(row.request);
      return { ...claimed, unread: undefined, ...storedDocuments(row, parts), filename, settings };
    });
  } catch (error) {
    throw partRefusalOf(error) ?? error;
  }
}

/**
 * What the database has not recognised in the request, because an address is written in an unusual way or is one of the
 * template's, is sent too. Addresses are stored as the API stores them.
 * @throws PostgresError PDF07
 */
async function replaceDeliveries(tx: Transaction, { id, userId }: ClaimedJob, wanted: RequestDeliveries | undefined) {
  const rows = toRows(wanted);
  if (rows.length === 0) return;
  const own = and(eq(delivery.jobId, id), delivery.asked, eq(delivery.status, 'awaiting'));
  await tx.delete(delivery).where(and(own, isNull(delivery.webhookId)));
  // An endpoint stays, which its owner may have deleted since.
  const kept = await tx
    .select()
    .from(delivery)
    .where(and(own, isNotNull(delivery.webhookId)));
  const missing = kept.length > 0 ? rows.filter((row) => !('webhook' in row)) : rows;
  await tx.execute(sql`select pdfprompt_add_deliveries(${id}, ${userId}, ${JSON.stringify(missing)}::text::jsonb)`);
}
