import { revokeKey } from '../../../accounts/keys.ts';
import type { Database } from '../../../db/pools.ts';
import type { Events } from '../../../telemetry/events.ts';
import { jsonResponse, keyIdParams, keySchema } from '../../account-schemas.ts';
import { adminAboutOf, type Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

export function revokeKeyRoute({ adminDb, events }: { adminDb: Database; events: Events }): Route {
  return {
    method: 'delete',
    path: '/v1/admin/keys/{id}',
    scope: 'admin',
    operation: {
      operationId: 'revokeKey',
      summary: 'End a key for good',
      description: 'A key that was revoked stays as it is.',
      requestParams: { path: keyIdParams },
      responses: { 200: jsonResponse('The key as it is now', keySchema), ...problems('not_found') },
    },
    handle: async (c) => {
      const revoked = await revokeKey(adminDb, c.req.param('id') ?? '');
      events.keyRevoked({ ...adminAboutOf(c), keyId: revoked.id, userId: revoked.userId });
      return c.json(revoked);
    },
  };
}
