import { z } from 'zod';
import { type PdfRequest, pdfRequestSchema } from '../../domain/pdf-request.ts';
import { isUsedKey, type SubmitDeps, type SubmitInput, submitJob, type Submitted } from '../../jobs/submit.ts';
import { invalidFields } from '../../kernel/errors.ts';
import { type BodyDeps, withPdfRequest } from '../body.ts';
import { jobAnswer } from '../job-answer.ts';
import { rateLimitHeaders } from '../../accounts/limits.ts';
import { PDF_EXAMPLES } from '../examples.ts';
import { aboutOf, type AppContext, type AppDeps, type Operation } from '../route.ts';
import { acceptedResponse, jsonOrFiles } from '../schemas.ts';

export const submitHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'Requests with the same key and body create one job' }),
  traceparent: z
    .string()
    .optional()
    .meta({ description: 'W3C Trace Context: the job becomes part of that trace. An invalid value is ignored' }),
});

export const pdfRequestBody = jsonOrFiles(pdfRequestSchema, PDF_EXAMPLES);

export function submitJobRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/jobs',
    scope: 'jobs:write',
    operationId: 'submitJob',
    summary: 'Submit a job',
    description: 'Answered as soon as the job is stored. `Location` is the job.',
    requestParams: { header: submitHeaders },
    requestBody: pdfRequestBody,
    responses: {
      202: acceptedResponse('Accepted'),
      200: acceptedResponse('The job that this Idempotency-Key created before'),
    },
    problems: ['idempotency_mismatch', 'rate_limited', 'asset_limit_reached'],
    handle: async (c) => {
      const { job, created, allowances } = await submitBody(c, deps);
      const answer = jobAnswer(job, deps.stores);
      return c.json(answer, created ? 202 : 200, { Location: `/v1/jobs/${job.id}`, ...rateLimitHeaders(allowances) });
    },
  };
}

/**
 * Submits the request in the body.
 * @param options `check`: throws if the request is not for this route; `makeId`: called when the job is about to be created
 */
export function submitBody(
  c: AppContext,
  deps: SubmitDeps & BodyDeps,
  { check = () => undefined, makeId }: { check?: (request: PdfRequest) => void; makeId?: () => string } = {},
): Promise<Submitted> {
  return withPdfRequest(
    c,
    deps,
    () => admit(c, deps),
    async ({ request, sent, files }) => {
      check(request);
      return submitFrom(c, (input) => submitJob(deps, { ...input, ...(makeId && { makeId }), request, sent, files }));
    },
  );
}

/**
 * Refuses a user who is known to be at a limit without a write, unless the request repeats an Idempotency-Key.
 * @param isUsed whether the tenant has used that key before
 * @throws LimitReached
 */
export async function admit(
  c: AppContext,
  { reads, limiter, events }: SubmitDeps,
  isUsed = (idempotencyKey: string) => isUsedKey(reads, { userId: c.var.principal.userId, idempotencyKey }),
): Promise<void> {
  const { underWay, principal } = c.var;
  const { userId, tier } = principal;
  const refusal = limiter.known(userId, tier);
  if (!refusal) return;
  const idempotencyKey = idempotencyKeyOf(c);
  if (idempotencyKey !== undefined && (await underWay.reading(userId, () => isUsed(idempotencyKey)))) return;
  events.rateLimited({ ...aboutOf(c), userId, tier: tier.name, limit: refusal.limit });
  throw refusal;
}

/** Submits within the request's trace; the worker continues that trace. */
export function submitFrom(
  c: AppContext,
  submit: (input: Omit<SubmitInput, 'request' | 'sent' | 'files'>) => Promise<Submitted>,
): Promise<Submitted> {
  const { principal, requestId, span } = c.var;
  const { traceparent } = span;
  const idempotencyKey = idempotencyKeyOf(c);
  return span.during('job.submit', async () => {
    const submitted = await submit({ principal, idempotencyKey, requestId, traceparent });
    span.set({ 'pdfprompt.job.id': submitted.job.id });
    return submitted;
  });
}

/** @throws CodedError if it is none */
export function idempotencyKeyOf(c: AppContext): string | undefined {
  const key = c.req.header('idempotency-key');
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalidFields([{ field: 'Idempotency-Key', message: 'allowed: 1 to 255 visible ASCII characters' }]);
  return key;
}
