import { listWebhooks } from '../../../deliveries/read-webhooks.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, pageOf, pageQuery } from '../../schemas.ts';
import { webhookSchema } from '../../webhook-schemas.ts';

export function listWebhooksRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/webhooks',
    scope: 'jobs:read',
    operationId: 'listWebhooks',
    summary: 'Your webhooks, oldest first',
    requestParams: { query: pageQuery },
    responses: { 200: jsonResponse('A page of webhooks', pageOf(webhookSchema)) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, ...readQuery(c, pageQuery) };
      return underWay.reading(principal.userId, async () => c.json(await listWebhooks(reads, input)));
    },
  };
}
