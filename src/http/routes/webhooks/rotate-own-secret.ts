import { rotateOwnSecret } from '../../../deliveries/own-secret.ts';
import { secretRotationSchema } from '../../../deliveries/webhook-secret.ts';
import { readBody } from '../../body.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { jsonBody, jsonResponse } from '../../schemas.ts';
import { signingSecretSchema } from '../../webhook-schemas.ts';

export function rotateOwnSecretRoute({ db, events }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/webhooks/secret/rotate',
    scope: 'jobs:write',
    operationId: 'rotateOwnSecret',
    summary: 'Replace your own secret with a new one',
    requestBody: jsonBody(secretRotationSchema, { required: false }),
    responses: { 200: jsonResponse('The new secret', signingSecretSchema) },
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const { expiresIn } = await readBody(c, secretRotationSchema, { isOptional: true });
      const rotated = await underWay.writing(userId, () => rotateOwnSecret(db, { userId, expiresIn }));
      events.deliveries.webhookSecretRotated({ ...aboutOf(c), userId });
      return c.json(rotated, 200, { 'Cache-Control': 'no-store' });
    },
  };
}
