import { listKeys } from '../../../accounts/keys.ts';
import type { Database } from '../../../db/pools.ts';
import { emailSchema } from '../../../domain/email.ts';
import { jsonResponse, keySchema, pageOf, pageQuery } from '../../account-schemas.ts';
import { readQuery } from '../../query.ts';
import type { Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

const query = pageQuery.extend({ email: emailSchema.optional().meta({ description: 'Only the keys of this user' }) });

export function listKeysRoute({ adminDb }: { adminDb: Database }): Route {
  return {
    method: 'get',
    path: '/v1/admin/keys',
    scope: 'admin',
    operation: {
      operationId: 'listKeys',
      summary: 'Every key, oldest first, the ended ones too',
      requestParams: { query },
      responses: {
        200: jsonResponse('A page of keys', pageOf(keySchema)),
        ...problems('invalid_request', 'not_found'),
      },
    },
    handle: async (c) => c.json(await listKeys(adminDb, readQuery(c, query))),
  };
}
