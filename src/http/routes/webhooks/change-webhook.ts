import { changeWebhook } from '../../../deliveries/change-webhook.ts';
import { webhookFields } from '../../../deliveries/webhook.ts';
import { readBody } from '../../body.ts';
import { WEBHOOK_EXAMPLES } from '../../examples.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonBody, jsonResponse } from '../../schemas.ts';
import { webhookSchema } from '../../webhook-schemas.ts';

export function changeWebhookRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/webhooks/{id}',
    scope: 'jobs:write',
    operationId: 'changeWebhook',
    summary: 'Replace the settings of a webhook, or turn it off and on',
    description:
      'What is left out is as for a new one: a webhook that was off is on again, unless `enabled` is false. The secret stays.',
    requestParams: { path: idOf('webhook') },
    requestBody: jsonBody(webhookFields, { examples: WEBHOOK_EXAMPLES }),
    responses: { 200: jsonResponse('The webhook as it is now', webhookSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const fields = await readBody(c, webhookFields);
      const webhookId = c.req.param('id') ?? '';
      const changed = await underWay.writing(userId, () => changeWebhook(deps, { userId, webhookId, fields }));
      deps.events.deliveries.webhookChanged({ ...aboutOf(c), userId, webhookId, enabled: changed.enabled });
      return c.json(changed);
    },
  };
}
