import { getUser } from '../../../accounts/users.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonResponse, userSchema } from '../../schemas.ts';

export function getUserRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/users/{id}',
    scope: 'admin',
    operationId: 'getUser',
    summary: 'One user',
    requestParams: { path: idOf('user') },
    responses: { 200: jsonResponse('The user', userSchema) },
    problems: ['not_found'],
    handle: async (c) => c.json(await getUser(adminDb, { id: c.req.param('id') ?? '' })),
  };
}
