import { sql } from 'drizzle-orm';
import type { Database } from '../../db/pools.ts';
import { Deadline } from '../../kernel/deadline.ts';
import { CodedError } from '../../kernel/errors.ts';
import type { Route } from '../route.ts';

const DATABASE_CHECK_MS = 2_000;

export function livezRoute(): Route {
  return { method: 'get', path: '/livez', isPublic: true, handle: async (c) => c.json({ status: 'ok' }) };
}

/** Fails while draining, and while the database is away or read-only. */
export function readyzRoute(deps: { db: Database; isDraining: () => boolean }): Route {
  return {
    method: 'get',
    path: '/readyz',
    isPublic: true,
    handle: async (c) => {
      if (deps.isDraining())
        throw new CodedError('unavailable', 'this process is shutting down', { retryAfterSeconds: 1 });
      const asked = deps.db.execute<{ is_read_only: boolean }>(
        sql`select current_setting('transaction_read_only')::boolean as is_read_only`,
      );
      const [row] = await new Deadline(DATABASE_CHECK_MS)
        .race('asking the database', Promise.resolve(asked))
        .catch((error: unknown) => {
          throw new CodedError('unavailable', 'the database does not answer', { cause: error, retryAfterSeconds: 1 });
        });
      if (row?.is_read_only) throw new CodedError('unavailable', 'the database is read-only', { retryAfterSeconds: 1 });
      return c.json({ status: 'ready' });
    },
  };
}
