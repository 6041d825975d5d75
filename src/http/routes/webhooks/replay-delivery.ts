import { replayDelivery } from '../../../deliveries/replay.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse } from '../../schemas.ts';
import { deliveryParams, deliverySchema } from '../../webhook-schemas.ts';

export function replayDeliveryRoute({ db }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/webhooks/{id}/deliveries/{deliveryId}/replay',
    scope: 'jobs:write',
    operationId: 'replayWebhookDelivery',
    summary: 'Send something to a webhook again',
    description: 'With the same `webhook-id` and a new timestamp, as long as its job or batch is kept.',
    requestParams: { path: deliveryParams('webhook') },
    responses: { 202: jsonResponse('The delivery, which will be sent', deliverySchema) },
    problems: ['not_found', 'webhook_off', 'delivery_not_replayable'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const { id: webhookId = '', deliveryId = '' } = c.req.param();
      const input = { userId, deliveryId, of: { webhookId } };
      return underWay.writing(userId, async () => c.json(await replayDelivery(db, input), 202));
    },
  };
}
