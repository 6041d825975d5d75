import { retryJob } from '../../jobs/retry.ts';
import { jobAnswer } from '../job-answer.ts';
import { rateLimitHeaders } from '../../accounts/limits.ts';
import type { AppDeps, Operation } from '../route.ts';
import { acceptedResponse, idOf } from '../schemas.ts';
import { admit, submitFrom, submitHeaders } from './submit-job.ts';

export function retryJobRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/jobs/{id}/retry',
    scope: 'jobs:write',
    operationId: 'retryJob',
    summary: 'Retry a failed or cancelled job',
    description:
      'Creates a new job with the same request; it counts towards the limits. Possible for as long as a PDF would be kept.',
    requestParams: { path: idOf('job'), header: submitHeaders },
    responses: {
      202: acceptedResponse('The new job, accepted'),
      200: acceptedResponse('The job that this Idempotency-Key created before'),
    },
    problems: ['not_found', 'job_not_retryable', 'idempotency_mismatch', 'rate_limited', 'invalid_request'],
    handle: async (c) => {
      await admit(c, deps);
      // The document may be large: its size is known only after it is read.
      const { job, created, allowances } = await c.var.underWay.writingLarge(c.var.principal.userId, () =>
        submitFrom(c, (input) => retryJob(deps, { ...input, jobId: c.req.param('id') ?? '' })),
      );
      const answer = jobAnswer(job, deps.stores);
      return c.json(answer, created ? 202 : 200, { Location: `/v1/jobs/${job.id}`, ...rateLimitHeaders(allowances) });
    },
  };
}
