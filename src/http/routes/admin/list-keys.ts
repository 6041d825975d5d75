import { listKeys } from '../../../accounts/keys.ts';
import { emailSchema } from '../../../domain/email.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Route } from '../../route.ts';
import { jsonResponse, keySchema, pageOf, pageQuery, problems } from '../../schemas.ts';

const query = pageQuery.extend({ email: emailSchema.optional().meta({ description: 'Only the keys of this user' }) });

export function listKeysRoute({ adminDb }: AppDeps): Route {
  return {
    method: 'get',
    path: '/v1/admin/keys',
    scope: 'admin',
    operation: {
      operationId: 'listKeys',
      summary: 'All keys, oldest first, including expired and revoked ones',
      requestParams: { query },
      responses: {
        200: jsonResponse('A page of keys', pageOf(keySchema)),
        ...problems('invalid_request', 'not_found'),
      },
    },
    handle: async (c) => c.json(await listKeys(adminDb, readQuery(c, query))),
  };
}
