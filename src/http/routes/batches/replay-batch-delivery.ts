import { replayDelivery } from '../../../deliveries/replay.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse } from '../../schemas.ts';
import { deliveryParams, deliverySchema } from '../../webhook-schemas.ts';

export function replayBatchDeliveryRoute({ db }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/batches/{id}/deliveries/{deliveryId}/replay',
    scope: 'jobs:write',
    operationId: 'replayBatchDelivery',
    summary: "Send a webhook of a batch's end again",
    description: 'With the same `webhook-id` and a new timestamp, unless items of the batch were retried since.',
    requestParams: { path: deliveryParams('batch') },
    responses: { 202: jsonResponse('The delivery, which will be sent', deliverySchema) },
    problems: ['not_found', 'webhook_off', 'delivery_not_replayable'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const { id: batchId = '', deliveryId = '' } = c.req.param();
      const input = { userId, deliveryId, of: { batchId } };
      return underWay.writing(userId, async () => c.json(await replayDelivery(db, input), 202));
    },
  };
}
