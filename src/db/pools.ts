import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { connect, drizzle, PostgresError } from './driver.ts';
import { systemCodeOf } from '../kernel/errors.ts';
import { Semaphore } from '../kernel/semaphore.ts';
import { ConnectionHeartbeat, type HeartbeatLimits } from './connection-heartbeat.ts';

/** drizzle's client. Functions that also run inside a transaction take a {@link Queryable}. */
export type Database = PostgresJsDatabase;
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
export type Queryable = Database | Transaction;

export interface PoolOptions {
  url: string;
  max: number;
  /** shown in pg_stat_activity */
  applicationName: string;
  idleTimeoutMs: number;
  connectTimeoutMs: number;
  /**
   * false: behind a pooler that uses another connection for each transaction. Then there are no prepared statements,
   * and no settings per connection.
   */
  prepare: boolean;
  /** reads and writes as this role instead of the URL's user */
  role?: string | undefined;
  /** called when a statement has ended, with its duration without the wait for a connection */
  onStatement?: ((seconds: number) => void) | undefined;
  /** of one statement; default 30 s */
  statementTimeoutMs?: number;
  /** how long the database may be silent; the default follows from the statement time-out */
  heartbeat?: HeartbeatLimits;
}

export interface Pool {
  db: Database;
  /** connections in use now, and their maximum */
  state(): { active: number; max: number };
  /** Waits up to `timeoutMs` (1 s) for running queries, then closes every connection. */
  close(timeoutMs?: number): Promise<void>;
}

/**
 * Milliseconds. They keep one client from blocking others: per statement, wait for a lock, idle time in a transaction.
 * The last is no longer than a silent worker is waited for: one that stands still in a transaction has locked the rows
 * of its jobs, and of its tenant.
 */
export const SESSION_TIMEOUTS = {
  statement_timeout: 30_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 10_000,
} as const;
/** To get a connection of the pool; afterwards the caller should try again later. */
const ACQUIRE_TIMEOUT = 5_000;
/** For the first byte after a statement was sent; afterwards the connection is closed. */
const FIRST_BYTE_TIMEOUT = 5_000;
/** For an answer after the statement time-out, by which a running Postgres has ended the statement. */
const ANSWER_MARGIN = 5_000;
/** Between two attempts to connect. The driver's own pause grows to 20 s, which would outlast the outage. */
const RECONNECT_PAUSE = 100;

/**
 * Every query here has an index. A plan that was prepared while a table was small or not analyzed would keep reading
 * the whole table after it has grown by a million rows. A custom plan can be wrong too: for a tenant that once sent
 * many jobs, it looks for the newest ones among those of all tenants.
 */
const ALWAYS_BY_INDEX = { enable_seqscan: 'off', enable_bitmapscan: 'off', plan_cache_mode: 'force_generic_plan' };

export function openPool(options: PoolOptions): Pool {
  const { url, max, applicationName, idleTimeoutMs, connectTimeoutMs, prepare, role, onStatement } = options;
  const {
    statementTimeoutMs = SESSION_TIMEOUTS.statement_timeout,
    heartbeat = { firstByteMs: prepare ? FIRST_BYTE_TIMEOUT : undefined, answerMs: statementTimeoutMs + ANSWER_MARGIN },
  } = options;
  const client = connect(url, {
    max,
    idle_timeout: idleTimeoutMs / 1000,
    connect_timeout: connectTimeoutMs / 1000,
    backoff: () => RECONNECT_PAUSE / 1000,
    prepare,
    heartbeat: new ConnectionHeartbeat(heartbeat),
    connection: {
      application_name: applicationName,
      // A pooler refuses all other startup parameters.
      ...(prepare && {
        ...SESSION_TIMEOUTS,
        statement_timeout: statementTimeoutMs,
        ...ALWAYS_BY_INDEX,
        ...(role !== undefined && { role }),
      }),
    },
  });
  const connections = new Semaphore(max, ACQUIRE_TIMEOUT);
  return {
    db: drizzle(adapt(client, { prepare, connections, onStatement, role: prepare ? undefined : role })),
    state: () => ({ active: connections.taken, max }),
    close: (timeoutMs = 1_000) => client.end({ timeout: timeoutMs / 1000 }),
  };
}

interface AdaptOptions {
  prepare: boolean;
  /** undefined inside a transaction, which has a connection */
  connections?: Semaphore;
  onStatement: PoolOptions['onStatement'];
  /** set in each transaction, behind a pooler; a single statement gets a transaction for it */
  role?: string | undefined;
}

/** The driver's client, or a transaction. */
interface Scope {
  unsafe(text: string, parameters?: unknown[], options?: object): Query;
  begin<T>(work: (scope: Scope) => PromiseLike<T>): Promise<T>;
}

interface Query extends PromiseLike<unknown> {
  values(): PromiseLike<unknown>;
}

/**
 * Wraps the driver's client for drizzle. Each statement is prepared (drizzle asks the driver not to, which doubles the
 * latency; a text without parameters may be several statements, which cannot be prepared), waits a limited time for a
 * connection, and runs as the role.
 */
function adapt<T extends object>(client: T, { prepare, connections, onStatement, role }: AdaptOptions): T {
  const onConnection = <R>(work: () => PromiseLike<R>) => (connections ? connections.run(work) : work());
  const inTransaction =
    <R>(work: (transaction: Scope) => PromiseLike<R>) =>
    async (transaction: Scope) => {
      if (role !== undefined) await setRole(transaction, role);
      return work(transaction);
    };
  return new Proxy(client, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== 'function') return value;
      const scope = target as T & Scope;
      if (property === 'unsafe') {
        return (text: string, parameters?: unknown[], options?: object) => {
          const isPrepared = prepare && parameters !== undefined && parameters.length > 0;
          const run = (read: (query: Query) => PromiseLike<unknown>) => {
            const send = (inner: Scope) =>
              timed(() => read(inner.unsafe(text, parameters, { ...options, prepare: isPrepared })), onStatement);
            return onConnection(() => (role === undefined ? send(scope) : scope.begin(inTransaction(send))));
          };
          return lazyQuery(run);
        };
      }
      if (property === 'begin' || property === 'savepoint') {
        return (...arguments_: unknown[]) => {
          const inner = arguments_.map((each) =>
            typeof each === 'function'
              ? inTransaction((transaction) => each(adapt(transaction, { prepare, onStatement })))
              : each,
          );
          return onConnection(() => value.apply(target, inner) as Promise<unknown>);
        };
      }
      return value;
    },
  });
}

/** Like the driver's own, a query starts when its result is awaited. */
function lazyQuery(start: (read: (query: Query) => PromiseLike<unknown>) => PromiseLike<unknown>): Query {
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- it replaces the driver's query, which is thenable
    then: (onDone, onFailed) => start((query) => query).then(onDone, onFailed),
    values: () => start((query) => query.values()),
  };
}

async function timed<T>(work: () => PromiseLike<T>, onDone?: (seconds: number) => void): Promise<T> {
  const startedAt = performance.now();
  try {
    return await work();
  } finally {
    onDone?.((performance.now() - startedAt) / 1_000);
  }
}

/** Until the transaction ends. */
async function setRole(transaction: Scope, role: string): Promise<void> {
  await transaction.unsafe(
    "select set_config('role', $1, true), set_config('statement_timeout', $2, true)",
    [role, String(SESSION_TIMEOUTS.statement_timeout)],
    { prepare: false },
  );
}

const UNAVAILABLE = new Set([
  // connection
  'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT',
  'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH',
  '57P01', '57P02', '57P03', '57P05', // shutting down, crashed, starting up, idle for too long
  // too busy, or out of resources
  'ACQUIRE_TIMEOUT', '53000', '53100', '53200', '53300', '53400', // connections, disk, memory
  '55P03', '57014', '25P03', '25P04', // time-outs: lock, statement, idle in a transaction, transaction
  '40001', '40P01', // serialization failure, deadlock
  '25006', // read-only: a failover is under way
  '58030', // an I/O error
]); // prettier-ignore

/** Whether the database is temporarily unavailable or busy, so that a retry may succeed. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code !== undefined && UNAVAILABLE.has(code);
}

/** What the server has answered, in the chain of causes. */
export function postgresErrorOf(error: unknown): InstanceType<typeof PostgresError> | undefined {
  if (error instanceof PostgresError) return error;
  return error instanceof Error ? postgresErrorOf(error.cause) : undefined;
}
