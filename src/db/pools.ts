import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { connect, drizzle } from './driver.ts';
import { systemCodeOf } from '../kernel/errors.ts';
import { Semaphore } from '../kernel/semaphore.ts';
import { ConnectionHeartbeat, type HeartbeatLimits } from './connection-heartbeat.ts';

/** Queries, typed by the schema. A transaction has the same face, so verbs take either. */
export type Database = PostgresJsDatabase;
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
export type Queryable = Database | Transaction;

export interface PoolOptions {
  url: string;
  /** connections */
  max: number;
  /** shown in pg_stat_activity */
  applicationName: string;
  idleTimeoutMs: number;
  connectTimeoutMs: number;
  /**
   * false: behind a pooler that has another connection for each transaction. Nothing is then asked of a
   * connection that would have to last.
   */
  prepare: boolean;
  /** reads and writes as another role than the URL's */
  role?: string | undefined;
  /** told of each statement, when it is answered or fails; without the wait for a connection */
  onStatement?: ((seconds: number) => void) | undefined;
  /** of one statement; 30 s unless given */
  statementTimeoutMs?: number;
  /** how long the database may be silent; unless given, by what a statement may take */
  heartbeat?: HeartbeatLimits;
}

export interface Pool {
  db: Database;
  /** connections at work now, and at most */
  state(): { active: number; max: number };
  /** Waits up to `timeoutMs` (1 s) for running queries, then closes every connection. */
  close(timeoutMs?: number): Promise<void>;
}

/** Milliseconds. One statement, one wait for a lock, one pause inside a transaction: none may hold others up. */
export const SESSION_TIMEOUTS = {
  statement_timeout: 30_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 30_000,
} as const;
/** To get a connection of the pool: longer, and the caller does better to come back. */
const ACQUIRE_TIMEOUT = 5_000;
/** For a sign of life after a statement was sent: longer, and its connection is given up. */
const FIRST_BYTE_TIMEOUT = 5_000;
/** For an answer beyond what a statement may take: Postgres has ended it by then, if it still is there. */
const ANSWER_MARGIN = 5_000;
/** Between two attempts to connect: the driver's own pause grows to 20 s, and it would be slept after the outage. */
const RECONNECT_PAUSE = 100;

/**
 * Every query here has its index. Prepared while a table was small or not yet analyzed, a query would
 * keep reading all of it when it has grown by a million rows. And planned for its values, the newest jobs of a tenant
 * that once sent many would be looked for among everybody's, newest first, however long that tenant has been away.
 */
const ALWAYS_BY_INDEX = { enable_seqscan: 'off', enable_bitmapscan: 'off', plan_cache_mode: 'force_generic_plan' };

export function openPool(options: PoolOptions): Pool {
  const { url, max, applicationName, idleTimeoutMs, connectTimeoutMs, prepare, role, onStatement } = options;
  const { statementTimeoutMs = SESSION_TIMEOUTS.statement_timeout } = options;
  const {
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
      // What else a connection begins with, a pooler refuses.
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
    db: drizzle(
      governed(client, { prepare, connections, onStatement, ...(!prepare && role !== undefined && { role }) }),
    ),
    state: () => ({ active: connections.taken, max }),
    close: (timeoutMs = 1_000) => client.end({ timeout: timeoutMs / 1000 }),
  };
}

interface Governing {
  prepare: boolean;
  /** absent inside a transaction, which has its connection already */
  connections?: Semaphore;
  onStatement: PoolOptions['onStatement'];
  /** to be entered by each transaction; a statement gets one of its own */
  role?: string;
}

/** Of the driver: a client or a transaction. */
interface Scope {
  unsafe(text: string, parameters?: unknown[], options?: object): Query;
  begin<T>(work: (scope: Scope) => PromiseLike<T>): Promise<T>;
}

interface Query extends PromiseLike<unknown> {
  values(): PromiseLike<unknown>;
}

/**
 * What drizzle gets for a client. Decided here for every query: that it is prepared (drizzle asks the
 * driver not to, which doubles the latency; without parameters it stays as it is, for it may be several
 * statements at once), how long it waits for a connection, and as which role it runs.
 */
function governed<T extends object>(client: T, governing: Governing): T {
  return new Proxy(client, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== 'function') return value;
      const scope = target as T & Scope;
      if (property === 'unsafe') {
        return (text: string, parameters?: unknown[], options?: object) => {
          const prepare = governing.prepare && parameters !== undefined && parameters.length > 0;
          return query((read) =>
            within(governing, scope, (inner) => read(inner.unsafe(text, parameters, { ...options, prepare }))),
          );
        };
      }
      if (property === 'begin' || property === 'savepoint') {
        return (...arguments_: unknown[]) => {
          const inner = arguments_.map((argument) =>
            typeof argument === 'function'
              ? async (transaction: Scope) => {
                  if (governing.role !== undefined) await enter(transaction, governing.role);
                  const { prepare, onStatement } = governing;
                  return argument(governed(transaction, { prepare, onStatement }));
                }
              : argument,
          );
          const begin = () => value.apply(target, inner) as Promise<unknown>;
          return governing.connections ? governing.connections.run(begin) : begin();
        };
      }
      return value;
    },
  });
}

/** Like the driver's own, a query starts when it is waited for. */
function query(start: (read: (query: Query) => PromiseLike<unknown>) => Promise<unknown>): Query {
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- it stands for the driver's, which is one
    then: (onDone, onFailed) => start((made) => made).then(onDone, onFailed),
    values: () => start((made) => made.values()),
  };
}

/** With a connection, in the role. */
async function within<T>(
  { connections, role, onStatement }: Governing,
  scope: Scope,
  work: (scope: Scope) => PromiseLike<T>,
): Promise<T> {
  const timed = onStatement ? async (inner: Scope) => timing(() => work(inner), onStatement) : work;
  const run =
    role === undefined
      ? () => timed(scope)
      : () =>
          scope.begin(async (transaction) => {
            await enter(transaction, role);
            return timed(transaction);
          });
  return connections ? connections.run(run) : run();
}

async function timing<T>(work: () => PromiseLike<T>, onDone: (seconds: number) => void): Promise<T> {
  const startedAt = performance.now();
  try {
    return await work();
  } finally {
    onDone((performance.now() - startedAt) / 1_000);
  }
}

/** Until the transaction ends. */
async function enter(transaction: Scope, role: string): Promise<void> {
  await transaction.unsafe(
    "select set_config('role', $1, true), set_config('statement_timeout', $2, true)",
    [role, String(SESSION_TIMEOUTS.statement_timeout)],
    { prepare: false },
  );
}

const UNAVAILABLE = new Set([
  // the way there
  'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT',
  'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH',
  '57P01', '57P02', '57P03', '57P05', // stopping, crashed, starting, idle for too long
  // full or busy
  'ACQUIRE_TIMEOUT', '53000', '53100', '53200', '53300', '53400', // connections, disk, memory
  '55P03', '57014', '25P03', '25P04', // lock, statement, pause in a transaction, transaction took too long
  '40001', '40P01', // one of two that got in each other's way
  '25006', // read-only: a standby that was or will be the primary
  '58030', // its disk fails
]); // prettier-ignore

/** Whether the database is away or busy for now, so that the same again may work. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code !== undefined && UNAVAILABLE.has(code);
}
