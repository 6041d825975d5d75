import { rotateSecret } from '../../../deliveries/rotate-secret.ts';
import { secretRotationSchema } from '../../../deliveries/webhook-secret.ts';
import { readBody } from '../../body.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonBody, jsonResponse } from '../../schemas.ts';
import { signingSecretSchema } from '../../webhook-schemas.ts';

export function rotateSecretRoute({ db, events }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/webhooks/{id}/rotate',
    scope: 'jobs:write',
    operationId: 'rotateWebhookSecret',
    summary: 'Replace the secret of a webhook with a new one; it is shown once',
    description: 'Until `expiresIn` is over, each message has a signature of each. One from before that ends at once.',
    requestParams: { path: idOf('webhook') },
    requestBody: jsonBody(secretRotationSchema, { required: false }),
    responses: { 200: jsonResponse('The new secret', signingSecretSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const { expiresIn } = await readBody(c, secretRotationSchema, { isOptional: true });
      const webhookId = c.req.param('id') ?? '';
      const rotated = await underWay.writing(userId, () => rotateSecret(db, { userId, webhookId, expiresIn }));
      events.deliveries.webhookSecretRotated({ ...aboutOf(c), userId, webhookId });
      return c.json(rotated, 200, { 'Cache-Control': 'no-store' });
    },
  };
}
