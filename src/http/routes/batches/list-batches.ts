import { listBatches } from '../../../batches/read-batch.ts';
import { batchSchema, batchStatusSchema } from '../../batch-schemas.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, pageOf, pageQuery } from '../../schemas.ts';

const query = pageQuery.extend({ status: batchStatusSchema.optional() });

export function listBatchesRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/batches',
    scope: 'jobs:read',
    operationId: 'listBatches',
    summary: 'Your batches, newest first',
    requestParams: { query },
    responses: { 200: jsonResponse('A page of batches', pageOf(batchSchema)) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, ...readQuery(c, query) };
      return underWay.reading(principal.userId, async () =>
        c.json(await deps.readRouter.read((db) => listBatches(db, input))),
      );
    },
  };
}
