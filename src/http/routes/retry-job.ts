import { z } from 'zod';
import { retryJob } from '../../jobs/retry.ts';
import type { SubmitDeps } from '../../jobs/submit.ts';
import type { PdfStores } from '../../storage/pdf-stores.ts';
import { jobAnswer } from '../job-answer.ts';
import { rateLimitHeaders } from '../rate-limit.ts';
import type { Route } from '../route.ts';
import { jobIdParams, jobResponse, problems } from '../schemas.ts';
import { admit, submitFrom, submitHeaders } from './submit-job.ts';

export function retryJobRoute(deps: SubmitDeps & { stores: PdfStores }): Route {
  return {
    method: 'post',
    path: '/v1/jobs/{id}/retry',
    scope: 'jobs:write',
    operation: {
      operationId: 'retryJob',
      summary: 'Ask again for what failed or was cancelled',
      description:
        'A new job with the same request, within the same limits as any other. It can be asked for as long as a PDF would have been kept.',
      requestParams: { path: jobIdParams, header: submitHeaders },
      responses: {
        202: { ...jobResponse('The new job, accepted'), headers: z.object({ Location: z.string() }) },
        200: jobResponse('The job that this Idempotency-Key made before'),
        ...problems('not_found', 'job_not_retryable', 'idempotency_mismatch', 'rate_limited', 'invalid_request'),
      },
    },
    handle: async (c) => {
      await admit(c, deps);
      // How large its document is, is known when it has been read.
      const { job, created, allowances } = await c.var.underWay.writingLarge(c.var.principal.userId, () =>
        submitFrom(c, (input) => retryJob(deps, { ...input, jobId: c.req.param('id') ?? '' })),
      );
      const answer = jobAnswer(job, deps.stores);
      return c.json(answer, created ? 202 : 200, { Location: `/v1/jobs/${job.id}`, ...rateLimitHeaders(allowances) });
    },
  };
}
