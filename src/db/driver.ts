import { registerHooks } from 'node:module';
import type { Options, Sql } from 'postgres';

/**
 * The database driver, mended as it is loaded. Two faults of postgres.js 3.4.9 (porsager/postgres#1066,
 * #1154, #1208) show when a backend dies while a transaction is open:
 *
 * - The next statement is written to a socket that is no longer there. That throws outside of every
 *   promise and ends the process.
 * - What is left of the transaction is sent on the connection that replaces the dead one: outside of
 *   any transaction, or before the new connection has introduced itself, and then it never answers.
 * - A statement that came between the socket's error and its close stays in the line of those that wait
 *   for an answer: the next statement's answer would be taken for its own.
 *
 * And one shows on a busy pool: a BEGIN that is sent right behind another client's query does not get
 * the connection for itself, and fails as unsafe. Mended, nothing is ever sent behind an unanswered
 * query of somebody else, which also keeps fast queries from waiting behind slow ones.
 *
 * And one shows when a query fails, or its backend dies, after its first rows: they are counted to the
 * next query's answer on that connection, which then begins with as many holes.
 *
 * Mended, every statement after the loss fails with CONNECTION_CLOSED. A load hook does it in a
 * checkout and in an installed package alike. It works only on what is loaded after it, so this file
 * is the one door to the driver and to the part of drizzle that loads it.
 */
const MENDS: { file: string; broken: string; mended: string }[] = [
  {
    file: '/postgres/src/connection.js',
    broken: 'const x = socket.write(chunk, fn)',
    mended: `if (socket === null) {
      clearImmediate(nextWriteTimer)
      chunk = nextWriteTimer = null
      error(Errors.connection('CONNECTION_CLOSED', options, socket))
      return false
    }
    const x = socket.write(chunk, fn)`,
  },
  {
    file: '/postgres/src/connection.js',
    broken: `    if (initial)
      return reconnect()

    !hadError && (query || sent.length) && error(`,
    mended: `    chunk = nextWriteTimer = errorResponse = null
    if (initial)
      return reconnect()

    if (query || sent.length) error(`,
  },
  {
    file: '/postgres/src/connection.js',
    broken: `        && !q.describeFirst
        && !q.cursorFn
        && sent.length < max_pipeline
        && (!q.options.onexecute || q.options.onexecute(connection))`,
    mended: `        && q.options.onexecute
        && q.options.onexecute(connection)`,
  },
  {
    file: '/postgres/src/connection.js',
    broken: 'query = results = errorResponse = null',
    mended: 'rows = 0, query = results = errorResponse = null',
  },
  {
    file: '/postgres/src/index.js',
    broken: 'new Promise((_, reject) => connection.onclose = reject)',
    mended: 'new Promise((_, reject) => connection.onclose = e => { queries.lost = e; reject(e) })',
  },
  {
    file: '/postgres/src/index.js',
    broken: 'q.catch(e => uncaughtError || (uncaughtError = e))',
    mended: `q.catch(e => uncaughtError || (uncaughtError = e))
        if (queries.lost)
          return q.reject(queries.lost)`,
  },
];

const done = new Set<object>();

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const mends = MENDS.filter((mend) => url.endsWith(mend.file));
    if (mends.length === 0) return loaded;
    let source =
      typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source ?? undefined);
    for (const mend of mends) {
      if (source.split(mend.broken).length !== 2) continue; // not there, or not only there
      source = source.replace(mend.broken, () => mend.mended);
      done.add(mend);
    }
    return { ...loaded, source };
  },
});

const { default: postgres } = await import('postgres');
const { drizzle } = await import('drizzle-orm/postgres-js');

if (done.size !== MENDS.length) {
  throw new Error('postgres.js is not the version that src/db/driver.ts mends, or was loaded before it');
}

export { drizzle };
export const { PostgresError } = postgres;

export type Client = Sql;

interface ConnectOptions extends Options<Record<string, never>> {
  /** what LISTEN hears; the driver's own types leave it out */
  onnotify?: ((channel: string, payload: string) => void) | undefined;
}

/** A client with its own connections; none is opened before the first query. */
export function connect(url: string, options: ConnectOptions = {}): Sql {
  return postgres(url, {
    onnotice: () => undefined,
    // A query of the driver's own at each connect, whose failure nobody would hear of. We need no array types.
    fetch_types: false,
    ...options,
  });
}
