/** The version that the patches fit; package.json pins it. */
export const POSTGRES_VERSION = '3.4.9';

interface Patch {
  file: string;
  /** occurs exactly once in the file; otherwise the driver is another version */
  original: string;
  patched: string;
}

const CONNECTION = '/postgres/src/connection.js';
const BYTES = '/postgres/src/bytes.js';
const CLIENT = '/postgres/src/index.js';

/**
 * A connection is lost while a transaction is open (porsager/postgres#1066, #1154, #1208). Unpatched:
 *
 * - The driver writes the next statement to a socket that is null. That throws outside of every promise and ends
 *   the process.
 * - It sends the rest of the transaction on the replacement connection: outside of a transaction, or before the
 *   login, and then the statement never settles.
 * - A statement sent between the socket's error and its close stays in the list of unanswered statements, and gets
 *   the answer of the next one.
 *
 * Patched: every statement after the loss fails with CONNECTION_CLOSED.
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
 * Connections that are closed:
 *
 * - A load balancer without a server accepts and closes at once, or all hosts of a list refuse. Unpatched, the driver
 *   reconnects without a pause and for ever. Patched, it tries each host once.
 * - The server closes a connection during `end`. Unpatched, `end` waits for its whole timeout. Patched, it resolves.
 * - `end` closes a connection. Unpatched, the socket stays until the server closes it too, which a vanished server
 *   never does. Patched, the socket is destroyed.
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
 * - Unpatched, the driver pipelines statements of different callers on one connection. A BEGIN behind another
 *   caller's query does not reserve the connection and fails with UNSAFE_TRANSACTION, and fast queries wait for slow ones.
 *   Patched, a connection has one unanswered statement at a time.
 * - Unpatched, the driver waits without a limit for a server that has vanished. Patched, there is a `heartbeat`
 *   option (`connection-heartbeat.ts`), whose ping goes ahead of each statement.
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
      const ping = connection.ping && connection.ping()
      ping && write(ping)
      return write(statement)
        && q.options.onexecute
        && q.options.onexecute(connection)`,
  },
  {
    file: CONNECTION,
    original: `socket.on('data', data)`,
    patched: `connection.ping = options.heartbeat && options.heartbeat.watch(socket, () =>
        query ? 'waiting' : initial || connection.reserved ? 'held' : 'idle')
      socket.on('data', data)`,
  },
  {
    file: CONNECTION,
    original: `  function CloseComplete() {
    result.count`,
    patched: `  function CloseComplete() {
    if (!query.cursorFn) return // the answer to a ping
    result.count`,
  },
  {
    file: CLIENT,
    original: 'socket          : o.socket,',
    patched: 'socket: o.socket, heartbeat: o.heartbeat,',
  },
];

/**
 * A query fails after its first rows. Unpatched, the next answer on that connection begins with as many empty
 * entries. Patched, the count of rows is reset.
 */
const FIRST_ROWS: Patch[] = [
  {
    file: CONNECTION,
    original: 'query = results = errorResponse = null',
    patched: 'rows = 0, query = results = errorResponse = null',
  },
];

/**
 * A COPY to us whose reader is slow: the driver stops reading the socket. Unpatched, it stays so if the last row comes
 * then, or if the reader stops early, and the next statement never gets an answer. Patched, it reads on, and drops rows that nobody reads.
 */
const COPY_OUT: Patch[] = [
  {
    file: CONNECTION,
    original: `stream = new Stream.Readable({
      read() { socket.resume() }
    })`,
    patched: `stream = new Stream.Readable({
      read() { socket && socket.resume() },
      destroy(error, callback) { socket && socket.resume(); callback(error) }
    })`,
  },
  {
    file: CONNECTION,
    original: 'stream && (stream.push(x.subarray(5)) || socket.pause())',
    patched: 'stream && !stream.destroyed && (stream.push(x.subarray(5)) || socket.pause())',
  },
];

/**
 * A document of megabytes. Unpatched, its statement is copied four times: when a later parameter no longer fits, behind
 * it, before the ping, and to be sent. Patched, there is room for what follows, and it is sent as it is.
 */
const LARGE_STATEMENT: Patch[] = [
  {
    file: BYTES,
    original: 'buffer = Buffer.allocUnsafe(length + (length >> 1) + x)',
    patched: 'buffer = Buffer.allocUnsafe(length + (length >> 1) + x + (x >> 4))',
  },
  {
    file: CONNECTION,
    original: `    return Buffer.concat([
      Bind(q.parameters, q.statement.types, q.statement.name, q.cursorName),
      q.cursorFn
        ? Execute('', q.cursorRows)
        : ExecuteUnnamed
    ])`,
    patched: `    const bind = Bind(q.parameters, q.statement.types, q.statement.name, q.cursorName)
    const execute = q.cursorFn ? Execute('', q.cursorRows) : ExecuteUnnamed
    const room = bind.buffer.byteLength - bind.byteOffset - bind.length
    if (bind.length < 65536 || room < execute.length) return Buffer.concat([bind, execute])
    const whole = Buffer.from(bind.buffer, bind.byteOffset, bind.length + execute.length)
    execute.copy(whole, bind.length)
    return whole`,
  },
  {
    file: CONNECTION,
    original: `    chunk = chunk ? Buffer.concat([chunk, x]) : Buffer.from(x)
    if (fn || chunk.length >= 1024)
      return nextWrite(fn)`,
    patched: `    if (x.length >= 65536 && socket !== null) {
      const to = socket
      to.cork()
      chunk && nextWrite()
      chunk = x
      const isSent = nextWrite(fn)
      to.uncork()
      return isSent
    }
    chunk = chunk ? Buffer.concat([chunk, x]) : Buffer.from(x)
    if (fn || chunk.length >= 1024)
      return nextWrite(fn)`,
  },
];

export const PATCHES: readonly Patch[] = [
  ...LOST_CONNECTION,
  ...CLOSED_CONNECTION,
  ...STATEMENT,
  ...FIRST_ROWS,
  ...COPY_OUT,
  ...LARGE_STATEMENT,
];
