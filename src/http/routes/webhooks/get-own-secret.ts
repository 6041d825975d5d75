import { ownSecret } from '../../../deliveries/own-secret.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse } from '../../schemas.ts';
import { signingSecretSchema } from '../../webhook-schemas.ts';

export function getOwnSecretRoute({ db }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/webhooks/secret',
    // Who knows it can sign what your receivers trust.
    scope: 'jobs:write',
    operationId: 'getOwnSecret',
    summary: 'Your own secret, which signs webhooks to URLs that jobs name',
    description: 'It is made when it is first needed. Registered webhooks have a secret each.',
    responses: { 200: jsonResponse('The secret', signingSecretSchema) },
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const secret = await underWay.writing(principal.userId, () => ownSecret(db, principal.userId));
      return c.json(secret, 200, { 'Cache-Control': 'no-store' });
    },
  };
}
