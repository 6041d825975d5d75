import { getUser } from '../../../accounts/users.ts';
import type { Database } from '../../../db/pools.ts';
import { jsonResponse, userIdParams, userSchema } from '../../account-schemas.ts';
import type { Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

export function getUserRoute({ adminDb }: { adminDb: Database }): Route {
  return {
    method: 'get',
    path: '/v1/admin/users/{id}',
    scope: 'admin',
    operation: {
      operationId: 'getUser',
      summary: 'One user',
      requestParams: { path: userIdParams },
      responses: { 200: jsonResponse('The user', userSchema), ...problems('not_found') },
    },
    handle: async (c) => c.json(await getUser(adminDb, { id: c.req.param('id') ?? '' })),
  };
}
