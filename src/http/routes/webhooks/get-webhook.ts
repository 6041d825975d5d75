import { getWebhook } from '../../../deliveries/read-webhooks.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonResponse } from '../../schemas.ts';
import { webhookSchema } from '../../webhook-schemas.ts';

export function getWebhookRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/webhooks/{id}',
    scope: 'jobs:read',
    operationId: 'getWebhook',
    summary: 'One webhook, without its secret',
    requestParams: { path: idOf('webhook') },
    responses: { 200: jsonResponse('The webhook', webhookSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, webhookId: c.req.param('id') ?? '' };
      return underWay.reading(principal.userId, async () => c.json(await getWebhook(reads, which)));
    },
  };
}
