import type { z } from 'zod';
import { listBatchDeliveries } from '../../../deliveries/read-deliveries.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonResponse } from '../../schemas.ts';
import { deliveriesSchema } from '../../webhook-schemas.ts';

export function listBatchDeliveriesRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/batches/{id}/deliveries',
    scope: 'jobs:read',
    operationId: 'listBatchDeliveries',
    summary: "The webhooks of a batch's end, with every attempt",
    description:
      'Those of its items, and the upload of the merged PDF, are with their jobs: `GET /v1/jobs/{id}/deliveries`.',
    requestParams: { path: idOf('batch') },
    responses: { 200: jsonResponse('The deliveries, oldest first', deliveriesSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, batchId: c.req.param('id') ?? '' };
      const data = await underWay.reading(principal.userId, () => listBatchDeliveries(reads, which));
      return c.json({ data } satisfies z.infer<typeof deliveriesSchema>);
    },
  };
}
