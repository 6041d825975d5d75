import { listUsers } from '../../../accounts/users.ts';
import type { Database } from '../../../db/pools.ts';
import { jsonResponse, pageOf, pageQuery, userSchema } from '../../account-schemas.ts';
import { readQuery } from '../../query.ts';
import type { Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

export function listUsersRoute({ adminDb }: { adminDb: Database }): Route {
  return {
    method: 'get',
    path: '/v1/admin/users',
    scope: 'admin',
    operation: {
      operationId: 'listUsers',
      summary: 'Every user, oldest first',
      requestParams: { query: pageQuery },
      responses: { 200: jsonResponse('A page of users', pageOf(userSchema)), ...problems('invalid_request') },
    },
    handle: async (c) => c.json(await listUsers(adminDb, readQuery(c, pageQuery))),
  };
}
