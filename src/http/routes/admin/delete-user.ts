import { eraseUser } from '../../../jobs/erase-user.ts';
import { adminAboutOf, type AppDeps, type Route } from '../../route.ts';
import { idOf, problems } from '../../schemas.ts';

/** Milliseconds that the caller waits, at most; workers erase what is left. */
const WAIT_MS = 20_000;

export function deleteUserRoute({ adminDb, queue, stores, events }: AppDeps): Route {
  return {
    method: 'delete',
    path: '/v1/admin/users/{id}',
    scope: 'admin',
    operation: {
      operationId: 'deleteUser',
      summary: 'Erase a user and all that is theirs',
      description:
        'Keys, jobs and PDFs, for good. At once no key of theirs is valid, and jobs under way are given up. What they were charged for stays in sums without a name.',
      requestParams: { path: idOf('user') },
      responses: {
        204: { description: 'All of it is gone' },
        202: {
          description: 'There is very much of it: the workers erase the rest. The same request again waits for it',
        },
        ...problems('not_found'),
      },
    },
    handle: async (c) => {
      const deps = { db: adminDb, queue, stores };
      const { id, jobs, isDone } = await eraseUser(deps, { id: c.req.param('id') ?? '' }, { withinMs: WAIT_MS });
      if (!isDone) return c.body(null, 202);
      events.userErased({ ...adminAboutOf(c), userId: id, jobs });
      return c.body(null, 204);
    },
  };
}
