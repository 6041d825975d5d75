import { eraseUser } from '../../../jobs/erase-user.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';

/** Milliseconds that the caller waits, at most; workers erase what is left. */
const WAIT_MS = 20_000;

export function deleteUserRoute({ adminDb, queue, stores, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/admin/users/{id}',
    scope: 'admin',
    operationId: 'deleteUser',
    summary: 'Erase a user with all keys, jobs and PDFs',
    description:
      'The keys become invalid and running jobs stop at once. The usage that was charged stays, as sums without a name.',
    requestParams: { path: idOf('user') },
    responses: {
      204: { description: 'Everything is erased' },
      202: {
        description: 'Not finished after 20 seconds: the workers erase the rest. Repeat the request to wait for it',
      },
    },
    problems: ['not_found'],
    handle: async (c) => {
      const deps = { db: adminDb, queue, stores };
      const { id, jobs, isDone } = await eraseUser(deps, { id: c.req.param('id') ?? '' }, { withinMs: WAIT_MS });
      if (!isDone) return c.body(null, 202);
      events.accounts.userErased({ ...adminAboutOf(c), userId: id, jobs });
      return c.body(null, 204);
    },
  };
}
