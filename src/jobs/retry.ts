import { and, eq, getTableColumns, isNull } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { partAssets } from '../assets/asset-files.ts';
import { putAsset, type PutAssetDeps } from '../assets/put-asset.ts';
import { putFilesOfParts } from '../assets/put-sent-files.ts';
import type { Database } from '../db/pools.ts';
import { delivery, job, part, webhook } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { labelsOf, parsePdfRequest, type PrintSettings, requestFiles, sourceFields } from '../domain/pdf-request.ts';
import { CodedError, type FieldProblem, invalidFields } from '../kernel/errors.ts';
import { storedDocuments } from './stored-request.ts';
import { type SubmitDeps, submitJob, type SubmitInput, type Submitted } from './submit.ts';

type RetryDeps = SubmitDeps & PutAssetDeps;
type RetryInput = Omit<SubmitInput, 'request' | 'retryOf'> & { jobId: string };

/**
 * Submits the request of a failed or cancelled job again. The new job is printed now, whatever
 * `runAt` said, and counts towards the limits like any other; the
 * old one stays unchanged.
 * @throws CodedError `not_found`, for another tenant's job too; `job_not_retryable` if the job has another status, or
 *   its document is no longer kept; and the errors of {@link submitJob}
 */
export async function retryJob(deps: RetryDeps, { jobId, ...given }: RetryInput): Promise<Submitted> {
  const input = { ...given, retryOf: jobId };
  const { userId } = input.principal;
  const rows = isUuid(jobId)
    ? await deps.reads
        .select({
          status: job.status,
          request: job.request,
          html: job.html,
          url: job.url,
          filename: job.filename,
          metadata: job.metadata,
          batchId: job.batchId,
          batchRow: job.batchRow,
          part,
        })
        .from(job)
        .leftJoin(part, eq(part.jobId, job.id))
        .where(and(forTenant(userId), eq(job.id, jobId), eq(job.userId, userId)))
        .orderBy(part.position)
    : [];
  const [row] = rows;
  if (!row) throw new CodedError('not_found', 'there is no such job');
  if (row.status !== 'failed' && row.status !== 'cancelled')
    throw new CodedError('job_not_retryable', `the job is ${row.status}; allowed: a job that failed or was cancelled`);
  if (row.batchId !== null && row.batchRow === null)
    throw new CodedError('job_not_retryable', 'the job merges the items of a batch; retry the batch');
  const { unread, parts, result } = storedDocuments(
    row,
    rows.flatMap((each) => each.part ?? []),
  );
  if (unread !== undefined) return submitUnread(deps, input, unread);
  if (parts.length === 0)
    throw new CodedError('job_not_retryable', "the job's document is no longer kept; submit it again");
  if (parts.some(({ source, templateVersion }) => source.kind === 'template' && templateVersion === undefined))
    throw new CodedError('job_not_retryable', 'the job was a preview; ask for another');
  const filesAt = async ({ hasFiles, position }: { hasFiles: boolean; position: number }) => {
    const own = hasFiles ? await partAssets(deps.reads, { userId, jobId, position }) : undefined;
    return own && Object.fromEntries([...own.byName].map(([name, { sha256 }]) => [name, sha256]));
  };
  // What only a part can have makes even one of them a list.
  const areParts = parts.length > 1 || parts.some(({ filename: name, bookmarks }) => name !== undefined || bookmarks);
  const files: (Record<string, string> | undefined)[] = [];
  const sentParts: Record<string, unknown>[] = [];
  for (const part of parts) {
    const own = await filesAt(part);
    const { source, hasFiles: _, position: __, templateVersion: ___, timeoutMs: ____, title: _____, filename: ______, bookmarks: _______, ...settings } = part; // prettier-ignore
    files.push(own);
    sentParts.push({
      ...(source.kind !== 'pdf' && asSent(settings)),
      ...(areParts && labelsOf(part)),
      ...sourceFields(source),
      ...(own && { files: own }),
    });
  }
  const resultFiles = result && (await filesAt(result));
  files.push(resultFiles);
  const allFiles = { ...(!areParts && files[0]), ...resultFiles };
  const { filename, metadata } = row;
  const { priority, retention, timeoutMs, ...shared } = row.request;
  // An older version may have stored it: parsing fills in the defaults of this version.
  const parsed = parsePdfRequest({
    ...(areParts ? { ...asSent(shared), parts: sentParts } : sentParts[0]),
    ...result?.settings,
    ...(Object.keys(allFiles).length > 0 && { files: allFiles }),
    timeoutMs,
    priority,
    retention,
    filename,
    metadata,
    ...(await askedDeliveries(deps.reads, { userId, jobId })),
  });
  if (!parsed.ok) throw notValid('no longer', parsed.fields);
  return submitJob(deps, { ...input, request: parsed.request, files });
}

/** A request that was submitted in SQL, and ended before a worker had read it, or because it was not valid. */
async function submitUnread(deps: RetryDeps, input: Omit<SubmitInput, 'request'>, unread: unknown): Promise<Submitted> {
  const { userId } = input.principal;
  const parsed = parsePdfRequest(unread);
  if (!parsed.ok) throw notValid('not', parsed.fields);
  const { request, sent } = parsed;
  const files = await putFilesOfParts((file) => putAsset(deps, { userId, ...file }), requestFiles(request));
  return submitJob(deps, { ...input, request, sent, files });
}

function notValid(since: 'not' | 'no longer', fields: FieldProblem[]): CodedError {
  return new CodedError('job_not_retryable', `the job's request is ${since} valid: ${invalidFields(fields).message}`);
}

/** What the request asked to be sent, as its fields. */
async function askedDeliveries(reads: Database, { userId, jobId }: { userId: string; jobId: string }) {
  const rows = await reads
    .select(getTableColumns(delivery))
    .from(delivery)
    .leftJoin(webhook, eq(webhook.id, delivery.webhookId))
    .where(and(forTenant(userId), eq(delivery.jobId, jobId), delivery.asked, isNull(webhook.deletedAt)));
  const reports = rows.flatMap((row) => (row.kind === 'report' ? [{ on: row.reportOn, ...targetOf(row) }] : []));
  const fields = rows.flatMap(({ kind, webhookId, ...row }): [string, unknown][] => {
    if (kind === 'report') return [];
    if (kind === 'webhook') return [[kind, webhookId ?? row.url]];
    return [['upload', { ...targetOf(row), ...(reports.length > 0 && { reports }) }]];
  });
  return Object.fromEntries(fields) as { webhook?: string; upload?: object };
}

type Target = Pick<typeof delivery.$inferSelect, 'url' | 'headers' | 'options'>;
const targetOf = ({ url, headers, options }: Target) => ({ url, ...(headers && { headers }), ...options });

/** Without a default that only a caller may not ask for: PDF/UA has tags unless somebody forbids them. */
function asSent<S extends Partial<PrintSettings>>(settings: S): S {
  const { tagged, ...options } = settings.options ?? {};
  return { ...settings, options: { ...options, ...(tagged && { tagged }) } };
}
