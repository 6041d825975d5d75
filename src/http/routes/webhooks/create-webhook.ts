import { createWebhook } from '../../../deliveries/create-webhook.ts';
import { webhookFields } from '../../../deliveries/webhook.ts';
import { readBody } from '../../body.ts';
import { WEBHOOK_EXAMPLES } from '../../examples.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { jsonBody, jsonResponse, LOCATION, withHeaders } from '../../schemas.ts';
import { webhookWithSecretSchema } from '../../webhook-schemas.ts';

export function createWebhookRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/webhooks',
    scope: 'jobs:write',
    operationId: 'createWebhook',
    summary: 'Register an endpoint that receives events of your jobs and batches',
    description: 'The secret, with which messages are signed, is shown once. At most 20 endpoints.',
    requestBody: jsonBody(webhookFields, { examples: WEBHOOK_EXAMPLES }),
    responses: { 201: withHeaders(jsonResponse('The webhook, with its secret', webhookWithSecretSchema), LOCATION) },
    problems: ['webhook_limit_reached'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const fields = await readBody(c, webhookFields);
      const created = await underWay.writing(userId, () => createWebhook(deps, { userId, fields }));
      deps.events.deliveries.webhookCreated({ ...aboutOf(c), userId, webhookId: created.id });
      return c.json(created, 201, { Location: `/v1/webhooks/${created.id}`, 'Cache-Control': 'no-store' });
    },
  };
}
