import { z } from 'zod';
import { isFinal } from '../../domain/job.ts';
import { pdfRequestSchema } from '../../domain/pdf-request.ts';
import { CodedError, invalidFields, JOB_ERROR_CODES } from '../../kernel/errors.ts';
import { jobAnswer } from '../job-answer.ts';
import { rateLimitHeaders } from '../../accounts/limits.ts';
import type { AppDeps, Operation } from '../route.ts';
import { acceptedResponse, jsonBody, pdfResponse } from '../schemas.ts';
import { sendPdf } from '../send-pdf.ts';
import { submitBody, submitHeaders } from './submit-job.ts';

const DEFAULT_WAIT_SECONDS = 30;
const MAX_WAIT_SECONDS = 300;

export function renderPdfRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/pdf',
    scope: 'jobs:write',
    operationId: 'renderPdf',
    summary: 'Submit a job and wait for its PDF',
    description:
      'If the job takes longer than `Prefer: wait=N`, the answer is 202 with `Location`, and the job continues.',
    requestParams: {
      header: submitHeaders.extend({
        Prefer: z
          .string()
          .optional()
          .meta({
            description: `\`wait=N\`: seconds to wait, up to ${MAX_WAIT_SECONDS}; ${DEFAULT_WAIT_SECONDS} if not given`,
          }),
      }),
    },
    requestBody: jsonBody(pdfRequestSchema),
    responses: {
      200: pdfResponse,
      202: acceptedResponse('Not done yet'),
    },
    problems: ['idempotency_mismatch', 'rate_limited', 'file_expired', ...JOB_ERROR_CODES, 'browser_failed'],
    handle: async (c) => {
      const { userId } = c.var.principal;
      const waitMs = waitMsOf(c.req.header('prefer'));
      const { job: submitted, allowances } = await submitBody(c, deps);
      const { id } = submitted;
      const read = () => c.var.underWay.reading(userId, () => deps.jobs.get({ userId, jobId: id }));
      const job = await deps.waiters.waitFor(id, waitMs, c.req.raw.signal, read, (value) => isFinal(value.status));
      const headers = { 'X-Job-Id': id, ...rateLimitHeaders(allowances) };
      if (job.status === 'completed') {
        const response = await sendPdf(c, deps, { userId, jobId: id, disposition: 'attachment' });
        for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
        return response;
      }
      if (job.status === 'failed')
        throw new CodedError(job.error?.code ?? 'job_failed', `${job.error?.message ?? 'the job failed'} (job ${id})`);
      if (job.status === 'cancelled') throw new CodedError('job_failed', `the job was cancelled (job ${id})`);
      return c.json(jobAnswer(job, deps.stores), 202, { ...headers, Location: `/v1/jobs/${id}` });
    },
  };
}

function waitMsOf(prefer: string | undefined): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(prefer ?? '')?.[1];
  if (wait === undefined) return DEFAULT_WAIT_SECONDS * 1000;
  const seconds = /^\d{1,6}$/.test(wait) ? Number(wait) : Number.NaN;
  if (!(seconds <= MAX_WAIT_SECONDS))
    throw invalidFields([{ field: 'Prefer', message: `allowed: wait=0 to wait=${MAX_WAIT_SECONDS}, in seconds` }]);
  return seconds * 1000;
}
