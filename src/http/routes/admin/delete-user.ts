import { eraseUser } from '../../../jobs/erase-user.ts';
import type { Database } from '../../../db/pools.ts';
import type { JobQueue } from '../../../queue/boss.ts';
import type { PdfStores } from '../../../storage/pdf-stores.ts';
import type { Events } from '../../../telemetry/events.ts';
import { userIdParams } from '../../account-schemas.ts';
import { adminAboutOf, type Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

/** Milliseconds that the caller waits at most; whatever is left then is erased by the workers. */
const WAIT_MS = 20_000;

interface Deps {
  adminDb: Database;
  queue: JobQueue;
  stores: PdfStores;
  events: Events;
}

export function deleteUserRoute({ adminDb, queue, stores, events }: Deps): Route {
  return {
    method: 'delete',
    path: '/v1/admin/users/{id}',
    scope: 'admin',
    operation: {
      operationId: 'deleteUser',
      summary: 'Erase a user and all that is theirs',
      description:
        'Keys, jobs and PDFs, for good. At once no key of theirs is valid, and jobs under way are given up. What they were charged for stays in sums without a name.',
      requestParams: { path: userIdParams },
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
