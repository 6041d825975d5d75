import { createKey, newKeySchema } from '../../../accounts/keys.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { createdKeySchema, jsonBody, jsonResponse } from '../../schemas.ts';

export function createKeyRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/admin/keys',
    scope: 'admin',
    operationId: 'createKey',
    summary: 'Create a key; it is shown once',
    description: 'A new user is created, with a subscription. With `tier`, an existing user moves to that tier.',
    requestBody: jsonBody(newKeySchema),
    responses: { 201: jsonResponse('The key', createdKeySchema) },
    handle: async (c) => {
      const created = await createKey(adminDb, await readBody(c, newKeySchema));
      const { id: keyId, userId, tier, scopes, expiresAt } = created;
      events.accounts.keyCreated({ ...adminAboutOf(c), keyId, userId, tier, scopes, expiresAt });
      return c.json(created, 201, { 'Cache-Control': 'no-store' });
    },
  };
}
