import { getBatch } from '../../../batches/read-batch.ts';
import { batchResponse } from '../../batch-schemas.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';

export function getBatchRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/batches/{id}',
    scope: 'jobs:read',
    operationId: 'getBatch',
    summary: 'One batch, with how far it is',
    requestParams: { path: idOf('batch') },
    responses: { 200: batchResponse('The batch') },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, batchId: c.req.param('id') ?? '' };
      return c.json(await underWay.reading(which.userId, () => getBatch(reads, which)));
    },
  };
}
