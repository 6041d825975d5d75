import { createUser } from '../../../accounts/create-user.ts';
import { newUserSchema } from '../../../accounts/users.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { jsonBody, jsonResponse, LOCATION, userSchema, withHeaders } from '../../schemas.ts';

export function createUserRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/admin/users',
    scope: 'admin',
    operationId: 'createUser',
    summary: 'Create a user, with a subscription and without a key',
    requestBody: jsonBody(newUserSchema),
    responses: { 201: withHeaders(jsonResponse('The user', userSchema), LOCATION) },
    problems: ['user_exists'],
    handle: async (c) => {
      const user = await createUser(adminDb, await readBody(c, newUserSchema));
      events.accounts.userCreated({ ...adminAboutOf(c), userId: user.id, tier: user.tier });
      return c.json(user, 201, { Location: `/v1/admin/users/${user.id}` });
    },
  };
}
