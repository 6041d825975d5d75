/** What is mended here, and pinned in package.json: another version may be broken in other places. */
export const POSTGRES_VERSION = '3.4.9';

interface Patch {
  file: string;
  /** is there once, or the version is another */
  original: string;
  patched: string;
}

const CONNECTION = '/postgres/src/connection.js';
const CLIENT = '/postgres/src/index.js';

/**
 * A backend dies while a transaction is open (porsager/postgres#1066, #1154, #1208):
 *
 * - The next statement is written to a socket that is no longer there. That throws outside of every
 *   promise and ends the process.
 * - What is left of the transaction is sent on the connection that replaces the dead one: outside of
 *   any transaction, or before the new connection has introduced itself, and then it never answers.
 * - A statement that came between the socket's error and its close stays in the line of those that wait
 *   for an answer: the next statement's answer would be taken for its own.
 *
 * Mended, every statement after the loss fails with CONNECTION_CLOSED.
 */
const LOST_CONNECTION: Patch[] = [
  {
    file: CONNECTION,
    original: 'const x = socket.write(chunk, fn)',
    patched: `if (socket === null) {
      clearImmediate(nextWriteTimer)
      chunk = nextWriteTimer = null
      error(Errors.connection('CONNECTION_CLOSED', options, socket))
      query = null
      return false
    }
    const x = socket.write(chunk, fn)`,
  },
  {
    file: CLIENT,
    original: 'new Promise((_, reject) => connection.onclose = reject)',
    patched: 'new Promise((_, reject) => connection.onclose = e => { queries.lost = e; reject(e) })',
  },
  {
    file: CLIENT,
    original: 'q.catch(e => uncaughtError || (uncaughtError = e))',
    patched: `q.catch(e => uncaughtError || (uncaughtError = e))
        if (queries.lost)
          return q.reject(queries.lost)`,
  },
];

/**
 * A connection is closed:
 *
 * - By who accepts it and has no server to offer, such as a load balancer: it is tried again at once and
 *   for ever, and so is a list of hosts that all refuse. Mended, each host is tried once.
 * - While the client ends: `end` does not hear of it, and waits for its whole timeout.
 * - By us, at an end: the socket stays until the other end closes it too, which a silent one never does.
 */
const CLOSED_CONNECTION: Patch[] = [
  {
    file: CONNECTION,
    original: `    if (initial)
      return reconnect()

    !hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))`,
    patched: `    chunk = nextWriteTimer = errorResponse = null
    if (initial && ++retries < options.host.length)
      return reconnect()

    if (initial || query || sent.length) error(Errors.connection('CONNECTION_CLOSED', options, socket))
    query = null
    retries = 0
    ended && (ended(), ending = ended = null)`,
  },
  {
    file: CONNECTION,
    original: `socket.readyState === 'open' && socket.end(b().X().end())`,
    patched: `if (socket.readyState !== 'open' || socket.writableLength > 0) socket.destroy()
      else socket.end(b().X().end()), socket.destroySoon()`,
  },
];

/**
 * On a busy pool a BEGIN that is sent right behind another client's query does not get the connection for
 * itself, and fails as unsafe. Mended, nothing is ever sent behind an unanswered query of somebody else,
 * which also keeps fast queries from waiting behind slow ones.
 *
 * A connection whose other end is silent is waited for without end. Mended, there is a `pulse` option; its
 * question goes in front of each statement.
 */
const STATEMENT: Patch[] = [
  {
    file: CONNECTION,
    original: `      return write(toBuffer(q))
        && !q.describeFirst
        && !q.cursorFn
        && sent.length < max_pipeline
        && (!q.options.onexecute || q.options.onexecute(connection))`,
    patched: `      const statement = toBuffer(q)
      const question = connection.ask && connection.ask()
      question && write(question)
      return write(statement)
        && q.options.onexecute
        && q.options.onexecute(connection)`,
  },
  {
    file: CONNECTION,
    original: `socket.on('data', data)`,
    patched: `connection.ask = options.heartbeat && options.heartbeat.watch(socket, () =>
        query ? 'waiting' : initial || connection.reserved ? 'held' : 'idle')
      socket.on('data', data)`,
  },
  {
    file: CONNECTION,
    original: `  function CloseComplete() {
    result.count`,
    patched: `  function CloseComplete() {
    if (!query.cursorFn) return // the answer to the question
    result.count`,
  },
  {
    file: CLIENT,
    original: 'socket          : o.socket,',
    patched: 'socket: o.socket, heartbeat: o.heartbeat,',
  },
];

/**
 * A query fails, or its backend dies, after its first rows: they are counted to the next query's answer on
 * that connection, which then begins with as many holes.
 */
const FIRST_ROWS: Patch[] = [
  {
    file: CONNECTION,
    original: 'query = results = errorResponse = null',
    patched: 'rows = 0, query = results = errorResponse = null',
  },
];

export const PATCHES: readonly Patch[] = [...LOST_CONNECTION, ...CLOSED_CONNECTION, ...STATEMENT, ...FIRST_ROWS];
