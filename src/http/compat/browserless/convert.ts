import { isJsonObject } from '../../../compat/browserless/json-object.ts';
import { type Endpoint, translateBody, type TranslatedBody } from '../../../compat/browserless/translate-body.ts';
import { translateQuery } from '../../../compat/browserless/translate-query.ts';
import { parsePdfRequest, type ParsedRequest } from '../../../domain/pdf-request.ts';
import { REQUEST_BOUNDS } from '../../../domain/print-fields.ts';
import { submitJob } from '../../../jobs/submit.ts';
import { CodedError, type FieldProblem, invalidFields } from '../../../kernel/errors.ts';
import { checkBody, withPdfRequest } from '../../body.ts';
import type { AppContext, AppDeps } from '../../route.ts';
import { admit, submitFrom } from '../../routes/submit-job.ts';
import { waitForResult } from '../run-conversion.ts';
import { sendResult } from '../send-result.ts';
import type { Dialect } from './answer-error.ts';
import { asBase64, asCloudflareResult, asSandboxedPage } from './answer-result.ts';

/** What pages of Cloudflare's are seen in; browserless has the same default as this service. */
const CLOUDFLARE_VIEWPORT = { width: 1_920, height: 1_080 };

/** Answers a request of browserless or Cloudflare with what it asks for. It becomes one job. */
export async function convert(
  c: AppContext,
  deps: AppDeps,
  { endpoint, dialect }: { endpoint: Endpoint; dialect: Dialect },
): Promise<Response> {
  const { userId } = c.var.principal;
  const { found, refusals } = translateQuery(c.req.query());
  if (refusals.length > 0) throw invalidFields(refusals);
  const { timeoutMs = deps.compat.timeoutMs, trackingId } = found;
  const waitMs = Math.min(timeoutMs, deps.compat.timeoutMs);
  checkBody(c, { isForm: false, allowed: 'application/json' });
  const about = {
    timeoutMs: Math.min(REQUEST_BOUNDS.timeoutMs.max, Math.max(REQUEST_BOUNDS.timeoutMs.min, waitMs)),
    ...(trackingId !== undefined && { metadata: { trackingId } }),
  };
  let translated: TranslatedBody | undefined;
  const check = (json: unknown): ParsedRequest => {
    translated = translate(json, endpoint, dialect);
    const { request, fields = {} } = translated;
    const parsed = parsePdfRequest({ ...request, ...about });
    return parsed.ok ? parsed : { ok: false, fields: parsed.fields.map((problem) => asCalled(problem, fields)) };
  };
  const submitted = await withPdfRequest(
    c,
    deps,
    () => admit(c, deps),
    (checked) => submitFrom(c, (input) => submitJob(deps, { ...input, ...checked })),
    check,
  );
  if (!translated) throw new CodedError('internal', 'the body was not read');
  const { id: jobId } = await waitForResult(c, deps, submitted, waitMs);
  const result = await sendResult(c, deps, { userId, jobId }, translated.naming);
  if (translated.isBase64) return asBase64(result);
  if (endpoint !== 'content') return result;
  return dialect === 'cloudflare' ? asCloudflareResult(result) : asSandboxedPage(result);
}

/** @throws CodedError that names every field that is not for us */
function translate(json: unknown, endpoint: Endpoint, dialect: Dialect): TranslatedBody {
  if (!isJsonObject(json)) throw invalidFields([{ field: '(body)', message: 'allowed: an object' }]);
  const viewport = dialect === 'cloudflare' ? CLOUDFLARE_VIEWPORT : undefined;
  const { conversion, refusals } = translateBody(endpoint, json, { viewport });
  if (refusals.length > 0) throw invalidFields(refusals);
  return conversion;
}

/** A problem of a field of ours, with the longest beginning of its path that the caller calls otherwise as it is called there. */
function asCalled(problem: FieldProblem, fields: Readonly<Record<string, string>>): FieldProblem {
  const { field } = problem;
  const isWithin = (path: string) => field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`);
  const [path = ''] = Object.keys(fields).filter(isWithin).toSorted((a, b) => b.length - a.length); // prettier-ignore
  return { ...problem, field: `${fields[path] ?? ''}${field.slice(path.length)}` };
}
