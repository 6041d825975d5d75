import { rotateKey, rotationSchema } from '../../../accounts/rotate-key.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonBody, jsonResponse, rotatedKeySchema } from '../../schemas.ts';

export function rotateKeyRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/admin/keys/{id}/rotate',
    scope: 'admin',
    operationId: 'rotateKey',
    summary: 'Replace a key with a new one; it is shown once',
    description:
      'The new key has the same user and scopes and, if the old key expires, the same lifetime. The old key stays valid for `graceSeconds`. A key can be rotated once, and not while the key that it replaced is still valid.',
    requestParams: { path: idOf('key') },
    requestBody: jsonBody(rotationSchema, { required: false }),
    responses: { 201: jsonResponse('The new key', rotatedKeySchema) },
    problems: ['not_found', 'key_not_rotatable'],
    handle: async (c) => {
      const { graceSeconds } = await readBody(c, rotationSchema, { isOptional: true });
      const rotated = await rotateKey(adminDb, { id: c.req.param('id') ?? '', graceSeconds });
      const { id: keyId, userId, replaces, replacedExpiresAt } = rotated;
      events.accounts.keyRotated({ ...adminAboutOf(c), keyId, userId, replaces, replacedExpiresAt });
      return c.json(rotated, 201, { 'Cache-Control': 'no-store' });
    },
  };
}
