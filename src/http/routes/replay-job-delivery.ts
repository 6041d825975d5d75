import { replayDelivery } from '../../deliveries/replay.ts';
import type { AppDeps, Operation } from '../route.ts';
import { jsonResponse } from '../schemas.ts';
import { deliveryParams, deliverySchema } from '../webhook-schemas.ts';

export function replayJobDeliveryRoute({ db }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/jobs/{id}/deliveries/{deliveryId}/replay',
    scope: 'jobs:write',
    operationId: 'replayJobDelivery',
    summary: 'Send a webhook of a job, or its upload, again',
    description: 'With the same `webhook-id` and a new timestamp.',
    requestParams: { path: deliveryParams('job') },
    responses: { 202: jsonResponse('The delivery, which will be sent', deliverySchema) },
    problems: ['not_found', 'webhook_off', 'delivery_not_replayable'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const { id: jobId = '', deliveryId = '' } = c.req.param();
      const input = { userId, deliveryId, of: { jobId } };
      return underWay.writing(userId, async () => c.json(await replayDelivery(db, input), 202));
    },
  };
}
