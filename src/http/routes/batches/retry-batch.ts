import { rateLimitHeaders } from '../../../accounts/limits.ts';
import { retryBatch } from '../../../batches/retry-batch.ts';
import { acceptedBatch } from '../../batch-form.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';
import { admit } from '../submit-job.ts';

export function retryBatchRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/batches/{id}/retry',
    scope: 'jobs:write',
    operationId: 'retryBatch',
    summary: 'Retry what failed of a batch',
    description:
      'Of a batch that has ended: its items that failed or were cancelled are printed again, as new jobs; they count towards the limits. Completed ones stay. Possible for as long as a PDF would be kept.',
    requestParams: { path: idOf('batch') },
    responses: { 202: acceptedBatch('The batch, which goes on') },
    problems: ['not_found', 'batch_not_retryable', 'rate_limited'],
    handle: async (c) => {
      const { underWay, principal, requestId, span } = c.var;
      const { userId } = principal;
      await admit(c, deps);
      const { traceparent } = span;
      const input = { batchId: c.req.param('id') ?? '', principal, requestId, traceparent };
      const { batch, allowances } = await underWay.batching(userId, () =>
        underWay.writing(userId, () => retryBatch(deps, input)),
      );
      return c.json(batch, 202, { Location: `/v1/batches/${batch.id}`, ...rateLimitHeaders(allowances) });
    },
  };
}
