import { listDeliveries } from '../../../deliveries/read-deliveries.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonResponse, pageOf, pageQuery, deliveryStatusSchema } from '../../schemas.ts';
import { deliverySchema } from '../../webhook-schemas.ts';

const query = pageQuery.extend({ status: deliveryStatusSchema.optional() });

export function listDeliveriesRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/webhooks/{id}/deliveries',
    scope: 'jobs:read',
    operationId: 'listWebhookDeliveries',
    summary: 'What was sent to a webhook, newest first, with every attempt',
    requestParams: { path: idOf('webhook'), query },
    responses: { 200: jsonResponse('A page of deliveries', pageOf(deliverySchema)) },
    problems: ['not_found', 'invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const input = { userId, webhookId: c.req.param('id') ?? '', ...readQuery(c, query) };
      return underWay.reading(userId, async () => c.json(await listDeliveries(reads, input)));
    },
  };
}
