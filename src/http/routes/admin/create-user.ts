import { z } from 'zod';
import { createUser } from '../../../accounts/create-user.ts';
import { newUserSchema } from '../../../accounts/users.ts';
import type { Database } from '../../../db/pools.ts';
import type { Events } from '../../../telemetry/events.ts';
import { jsonResponse, userSchema } from '../../account-schemas.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type Route } from '../../route.ts';
import { bodyProblems, problems } from '../../schemas.ts';

export function createUserRoute({ adminDb, events }: { adminDb: Database; events: Events }): Route {
  return {
    method: 'post',
    path: '/v1/admin/users',
    scope: 'admin',
    operation: {
      operationId: 'createUser',
      summary: 'A new user, with a subscription and without a key',
      requestBody: { required: true, content: { 'application/json': { schema: newUserSchema } } },
      responses: {
        201: { ...jsonResponse('The user', userSchema), headers: z.object({ Location: z.string() }) },
        ...problems(...bodyProblems, 'user_exists'),
      },
    },
    handle: async (c) => {
      const user = await createUser(adminDb, await readBody(c, newUserSchema));
      events.userCreated({ ...adminAboutOf(c), userId: user.id, tier: user.tier });
      return c.json(user, 201, { Location: `/v1/admin/users/${user.id}` });
    },
  };
}
