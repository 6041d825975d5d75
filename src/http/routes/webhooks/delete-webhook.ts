import { deleteWebhook } from '../../../deliveries/delete-webhook.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';

export function deleteWebhookRoute({ db, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/webhooks/{id}',
    scope: 'jobs:write',
    operationId: 'deleteWebhook',
    summary: 'Delete a webhook',
    description: 'What waits to be sent there is cancelled. What was sent stays with its jobs and batches.',
    requestParams: { path: idOf('webhook') },
    responses: { 204: { description: 'The webhook is deleted' } },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const webhookId = c.req.param('id') ?? '';
      await underWay.writing(userId, () => deleteWebhook(db, { userId, webhookId }));
      events.deliveries.webhookDeleted({ ...aboutOf(c), userId, webhookId });
      return c.body(null, 204);
    },
  };
}
