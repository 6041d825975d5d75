import type { Database } from '../db/pools.ts';
import { getWebhook } from '../deliveries/read-webhooks.ts';
import { isWebhookId } from '../domain/delivery.ts';
import { pathText } from '../domain/field-path.ts';
import { parsePdfRequest, type PdfRequest, requestFiles } from '../domain/pdf-request.ts';
import type { FileInput } from '../domain/source.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import { checkRetention, type RetentionBound } from '../jobs/check-retention.ts';
import { checkTargets } from '../jobs/check-targets.ts';
import { noSuchEndpoint, ofRequest, withinRequest } from '../jobs/refusals.ts';
import { resolveRequest } from '../jobs/resolve-request.ts';
import { CodedError, type FieldProblem, invalidFields } from '../kernel/errors.ts';

/** Bytes of a request as JSON: it is stored again with every job. */
const MAX_BYTES = 1_048_576;

export interface CheckRequestDeps extends RetentionBound {
  /** for reads that see the rows of one tenant only */
  reads: Database;
  egress: Pick<EgressPolicy, 'denyHost'>;
}

/**
 * Checks the request of a schedule as if it were submitted now.
 * @throws CodedError `invalid_request` that names what is not valid, not there, or will not be there at a later time
 */
export async function checkRequest(
  { reads, egress, ...bound }: CheckRequestDeps,
  { userId, request: sent }: { userId: string; request: Record<string, unknown> },
): Promise<void> {
  const bytes = Buffer.byteLength(JSON.stringify(sent));
  if (bytes > MAX_BYTES)
    throw invalidFields([
      {
        field: 'request',
        message: `it has ${bytes} bytes; allowed: ${MAX_BYTES}. A template keeps documents and files of any size`,
      },
    ]);
  const parsed = parsePdfRequest(sent);
  if (!parsed.ok) throw invalidFields(parsed.fields.map(withinRequest));
  const { request } = parsed;
  const problems = perishable(request);
  if (problems.length > 0) throw invalidFields(problems.map(withinRequest));
  // Only which names there are matters here; the worker stores the files of each job.
  const files = requestFiles(request).map((each) => each && Object.fromEntries(Object.keys(each).map((path) => [path, '']))); // prettier-ignore
  try {
    checkTargets(egress, request.deliveries);
    const resolved = await resolveRequest({ reads }, { principal: { userId }, request, sent: parsed.sent, files });
    checkRetention(bound, resolved.request);
  } catch (error) {
    throw ofRequest(error);
  }
  const { webhook: webhookId } = request.deliveries ?? {};
  if (webhookId === undefined || !isWebhookId(webhookId)) return;
  await getWebhook(reads, { userId, webhookId }).catch((error: unknown) => {
    if (!(error instanceof CodedError)) throw error;
    throw ofRequest(noSuchEndpoint());
  });
}

/** What is not kept for as long as a schedule is, or is not for each of its times. */
function perishable(request: PdfRequest): FieldProblem[] {
  const assets = new Map(
    requestFiles(request).flatMap((files: Record<string, FileInput> = {}) => Object.entries(files)),
  );
  const ofJobs = request.parts.some(({ source }) => source.kind === 'pdf' && source.value.job !== undefined);
  return [
    ...[...assets]
      .filter(([, file]) => typeof file === 'string')
      .map(([path]) => ({
        field: pathText(['files', path]),
        message:
          'assets are kept for a day only; allowed in a schedule: the file itself, or a template, which keeps its files',
      })),
    ...(request.runAt === undefined
      ? []
      : [{ field: 'runAt', message: 'the times are those of cron; allowed with POST /v1/jobs' }]),
    ...(ofJobs ? [{ field: 'pdf.job', message: 'the PDF of a job expires; allowed in a schedule: pdf.file' }] : []),
  ];
}
