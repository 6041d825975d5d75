import { createKey, newKeySchema } from '../../../accounts/keys.ts';
import type { Database } from '../../../db/pools.ts';
import type { Events } from '../../../telemetry/events.ts';
import { createdKeySchema, jsonResponse } from '../../account-schemas.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type Route } from '../../route.ts';
import { bodyProblems, problems } from '../../schemas.ts';

export function createKeyRoute({ adminDb, events }: { adminDb: Database; events: Events }): Route {
  return {
    method: 'post',
    path: '/v1/admin/keys',
    scope: 'admin',
    operation: {
      operationId: 'createKey',
      summary: 'A new key; it is shown once',
      description: 'The user is made if new, with a subscription; with `tier` an existing user changes to that tier.',
      requestBody: { required: true, content: { 'application/json': { schema: newKeySchema } } },
      responses: { 201: jsonResponse('The key', createdKeySchema), ...problems(...bodyProblems) },
    },
    handle: async (c) => {
      const created = await createKey(adminDb, await readBody(c, newKeySchema));
      const { id: keyId, userId, tier, scopes, expiresAt } = created;
      events.keyCreated({ ...adminAboutOf(c), keyId, userId, tier, scopes, expiresAt });
      return c.json(created, 201, { 'Cache-Control': 'no-store' });
    },
  };
}
