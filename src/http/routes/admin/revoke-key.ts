import { revokeKey } from '../../../accounts/keys.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonResponse, keySchema } from '../../schemas.ts';

export function revokeKeyRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/admin/keys/{id}',
    scope: 'admin',
    operationId: 'revokeKey',
    summary: 'Revoke a key',
    description: 'A key that is already revoked stays as it is.',
    requestParams: { path: idOf('key') },
    responses: { 200: jsonResponse('The key as it is now', keySchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const revoked = await revokeKey(adminDb, c.req.param('id') ?? '');
      events.accounts.keyRevoked({ ...adminAboutOf(c), keyId: revoked.id, userId: revoked.userId });
      return c.json(revoked);
    },
  };
}
