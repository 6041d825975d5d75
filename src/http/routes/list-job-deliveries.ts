import type { z } from 'zod';
import { listJobDeliveries } from '../../deliveries/read-deliveries.ts';
import type { AppDeps, Operation } from '../route.ts';
import { idOf, jsonResponse } from '../schemas.ts';
import { deliveriesSchema } from '../webhook-schemas.ts';

export function listJobDeliveriesRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}/deliveries',
    scope: 'jobs:read',
    operationId: 'listJobDeliveries',
    summary: 'The webhooks and the upload of a job, with every attempt',
    requestParams: { path: idOf('job') },
    responses: { 200: jsonResponse('The deliveries, oldest first', deliveriesSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, jobId: c.req.param('id') ?? '' };
      const data = await underWay.reading(principal.userId, () => listJobDeliveries(reads, which));
      return c.json({ data } satisfies z.infer<typeof deliveriesSchema>);
    },
  };
}
