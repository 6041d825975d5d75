import { z } from 'zod';
import { testWebhook } from '../../../deliveries/test-webhook.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonResponse } from '../../schemas.ts';

const answer = z.object({ id: z.uuid().meta({ description: 'Of the delivery' }) }).meta({ id: 'SentTest' });

export function testWebhookRoute({ db }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/webhooks/{id}/test',
    scope: 'jobs:write',
    operationId: 'testWebhook',
    summary: 'Send the event webhook.test to a webhook',
    description: 'Once, also if the webhook is off. What becomes of it: `GET /v1/webhooks/{id}/deliveries`.',
    requestParams: { path: idOf('webhook') },
    responses: { 202: jsonResponse('It will be sent', answer) },
    problems: ['not_found', 'rate_limited'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const webhookId = c.req.param('id') ?? '';
      const id = await underWay.writing(userId, () => testWebhook(db, { userId, webhookId }));
      return c.json({ id } satisfies z.infer<typeof answer>, 202);
    },
  };
}
