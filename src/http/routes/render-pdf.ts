import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { PdfRequest } from '../../domain/pdf-request.ts';
import type { Ends } from '../../jobs/waiters.ts';
import { invalidFields, JOB_ERROR_CODES } from '../../kernel/errors.ts';
import { answerPdf, DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS, waitMsOf } from '../answer-pdf.ts';
import type { AppDeps, Operation } from '../route.ts';
import { waitedResponses } from '../schemas.ts';
import { pdfRequestBody, submitBody, submitHeaders } from './submit-job.ts';

/** Those of a request that waits for its PDF. */
export const renderHeaders = submitHeaders.extend({
  Prefer: z
    .string()
    .optional()
    .meta({
      description: `\`wait=N\`: seconds to wait, up to ${MAX_WAIT_SECONDS}; ${DEFAULT_WAIT_SECONDS} if not given`,
    }),
});

export function renderPdfRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/pdf',
    scope: 'jobs:write',
    operationId: 'renderPdf',
    summary: 'Submit a job and wait for its PDF',
    description:
      'If the job takes longer than `Prefer: wait=N`, the answer is 202 with `Location`, and the job continues. If `Accept` prefers `application/zip`, the answer has all files of the job.',
    requestParams: {
      header: renderHeaders,
    },
    requestBody: pdfRequestBody,
    responses: waitedResponses,
    problems: [
      'idempotency_mismatch',
      'rate_limited',
      'asset_limit_reached',
      'file_expired',
      ...JOB_ERROR_CODES,
      'browser_failed',
    ],
    handle: async (c) => {
      const waitMs = waitMsOf(c.req.header('prefer'));
      let ends: Ends | undefined;
      const makeId = () => {
        const id = uuidv7();
        ends?.stop();
        ends = deps.waiters.listen(id); // from before there is the job, which then need not be read before it ends
        return id;
      };
      try {
        const submitted = await submitBody(c, deps, { check: refuseLater, makeId });
        return await answerPdf(c, deps, submitted, { waitMs, ends });
      } finally {
        ends?.stop();
      }
    },
  };
}

/** @throws CodedError if the request is to be printed at a later time: nobody waits for days */
function refuseLater({ runAt }: PdfRequest): void {
  if (runAt !== undefined)
    throw invalidFields([{ field: 'runAt', message: 'this request waits for the PDF; allowed with POST /v1/jobs' }]);
}
