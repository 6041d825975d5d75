import { listUsers } from '../../../accounts/users.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, pageOf, pageQuery, userSchema } from '../../schemas.ts';

export function listUsersRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/users',
    scope: 'admin',
    operationId: 'listUsers',
    summary: 'All users, oldest first',
    requestParams: { query: pageQuery },
    responses: { 200: jsonResponse('A page of users', pageOf(userSchema)) },
    problems: ['invalid_request'],
    handle: async (c) => c.json(await listUsers(adminDb, readQuery(c, pageQuery))),
  };
}
