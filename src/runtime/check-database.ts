import { connectionBudget, FEWEST_CONNECTIONS, type Fleet } from '../config/connections.ts';
import type { Config } from '../config/load.ts';
import { inspectSchema, inspectServer, missingTimeouts, type ServerFacts } from '../db/inspect.ts';
import { type PositionFault, positionOf } from '../db/position.ts';
import { Standby } from '../db/standby.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf } from '../kernel/errors.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { acquireDatabase, type DatabaseHandle, type Progress } from './acquire-database.ts';
import { databaseError, migrateDatabase, openConfiguredPool, replicaOptions } from './database.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const OLDEST_POSTGRES = 130_000;
/** Milliseconds for the read replica to catch up with the primary. */
const CATCH_UP_MS = 1_000;

type OpenDatabase = Omit<DatabaseHandle, 'release'>;

/** The database: its server, connections, pooler, schema and read replica. */
export async function checkDatabase(config: Config, onProgress: Progress): Promise<Check[]> {
  let handle: DatabaseHandle;
  try {
    handle = await acquireDatabase(config, onProgress);
  } catch (error) {
    return [fail('postgres', messageOf(error), 'set DATABASE_URL to your own Postgres')];
  }
  try {
    return await checkOpenDatabase(config, handle);
  } finally {
    await handle.release();
  }
}

/** The same for the database that a process uses. */
export async function checkOpenDatabase(config: Config, handle: OpenDatabase): Promise<Check[]> {
  try {
    const facts = await inspectServer(handle.directUrl, connectTimeoutOf(config));
    return [
      checkServer(facts, handle.isEmbedded ? 'embedded' : 'DATABASE_URL'),
      checkConnections(config, facts),
      ...(config.databasePrepare ? [] : [await checkPooler(config, handle)]),
      await checkMigrations(config, handle),
      ...(await checkSchema(config, handle)),
      ...(await checkReplica(config, handle.url)),
    ];
  } catch (error) {
    const fix = 'correct DATABASE_URL, or unset it to use the embedded Postgres';
    return [fail('postgres', messageOf(databaseError(error, handle.url)), fix)];
  }
}

const connectTimeoutOf = (config: Config) => Math.min(config.databaseConnectTimeoutMs, CONNECT_TIMEOUT_MS);

function checkServer({ version, versionNumber, inRecovery }: ServerFacts, where: string): Check {
  const server = `Postgres ${version} (${where})`;
  if (versionNumber < OLDEST_POSTGRES) return fail('postgres', `${server} is too old`, 'use Postgres 13 or newer');
  if (inRecovery) return fail('postgres', `${server} is a read-only standby`, 'set DATABASE_URL to the primary');
  return ok('postgres', server);
}

async function checkMigrations(config: Config, { directUrl, isEmbedded }: OpenDatabase): Promise<Check> {
  const { pending } = await migrateDatabase({ url: directUrl, config, check: true });
  if (pending.length === 0) return ok('migrations', 'the database is up to date');
  if (isEmbedded) return ok('migrations', 'the embedded database is migrated at the next start');
  return fail('migrations', `the database lacks ${pending.join(', ')}`, 'pdfprompt migrate');
}

/** Nothing of tables that do not exist. @throws the driver's error if it cannot be reached */
async function checkSchema(config: Config, { directUrl }: OpenDatabase): Promise<Check[]> {
  const name = 'schema';
  const facts = await inspectSchema(directUrl, connectTimeoutOf(config));
  if (!facts) return [];
  const { schema, others } = facts;
  if (others.length === 0) return [ok(name, `only the owner of the tables may create in ${schema}`)];
  const who = others.map(({ role }) => role).join(', ');
  const message = `${who} may create in ${schema}, the schema of the tables, and so act as their owner`;
  return [warn(name, message, others.map(({ fix }) => fix).join(' '))];
}

const REPLICA_FAULTS: Record<PositionFault, { message: string; fix: string }> = {
  'no standby': {
    message: 'DATABASE_READ_REPLICA_URL names a server that is no standby: it was promoted, or is the primary itself',
    fix: 'set DATABASE_READ_REPLICA_URL to a streaming standby of DATABASE_URL, or unset it',
  },
  'another database': {
    message: 'DATABASE_READ_REPLICA_URL names a server that is not a copy of DATABASE_URL',
    fix: 'set DATABASE_READ_REPLICA_URL to a streaming standby of DATABASE_URL, or unset it',
  },
  'another timeline': {
    message: 'the standby has not followed the primary through a failover',
    fix: 'wait for its next restartpoint, some minutes, or grant its user pg_read_all_stats; if that does not help, make a new standby',
  },
  behind: {
    message: `the standby did not catch up with the primary within ${CATCH_UP_MS / 1000} s`,
    fix: 'check pg_stat_replication on the primary, and whether the replay is paused (pg_is_wal_replay_paused)',
  },
};

/** Never `fail`: without the replica pdfprompt reads from the primary. */
async function checkReplica(config: Config, primaryUrl: string): Promise<Check[]> {
  const options = replicaOptions(config, 'pdfprompt doctor');
  if (!options) return [];
  const name = 'read replica';
  const standby = new Standby({ ...options, connectTimeoutMs: connectTimeoutOf(config) });
  const primary = openConfiguredPool(config, { url: primaryUrl, applicationName: 'pdfprompt doctor', max: 1 });
  try {
    const needed = await positionOf(primary.db);
    const startedAt = performance.now();
    await new Deadline(2 * CONNECT_TIMEOUT_MS).race('asking the read replica', standby.check());
    const fault = await standby.catchUp(needed, CATCH_UP_MS);
    if (fault) return [{ name, status: 'warn', ...REPLICA_FAULTS[fault] }];
    const ms = Math.round(performance.now() - startedAt);
    return [ok(name, `a standby that caught up with the primary within ${ms} ms`)];
  } catch (error) {
    const fix = 'start the standby, correct DATABASE_READ_REPLICA_URL, or unset it';
    return [warn(name, `cannot be used: ${messageOf(error)}`, fix)];
  } finally {
    await Promise.all([standby.close(), primary.close(0)]);
  }
}

/** Connections that the running processes, one more API and one more worker may open. */
function checkConnections(config: Config, { maxConnections, connections }: ServerFacts): Check {
  const runs = (kind: string) => connections.get(`pdfprompt ${kind} notifier`) ?? 0; // every process has one
  const running = { serve: runs('serve'), work: runs('work'), up: runs('up') };
  const isPooled = !config.databasePrepare;
  const isOurs = (name: string) => (isPooled ? /^pdfprompt (\w+ notifier|worker)$/ : /^pdfprompt /).test(name);
  const others = [...connections].reduce((sum, [name, count]) => sum + (isOurs(name) ? 0 : count), 0);
  const each = config.databaseMaxConnections;
  const budgetOf = (fleet: Fleet) => connectionBudget({ fleet, each, isPooled, maxConnections, others });
  const { needed, available, largestEach } = budgetOf({
    ...running,
    serve: running.serve + 1,
    work: running.work + 1,
  });
  const now = Object.entries(running).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []));
  const processes = now.length === 0 ? 'one serve and one work' : `${now.join(', ')} and one more serve and work`;
  const message =
    `at most ${needed} of ${maxConnections} for ${processes}` + (others > 0 ? `; other programs have ${others}` : '');
  if (needed <= available) return ok('connections', message);
  const raise = `raise max_connections in postgresql.conf by ${needed - available}`;
  const isShort = now.length === 0 || budgetOf(running).needed > available;
  const fix =
    isPooled || largestEach < FEWEST_CONNECTIONS
      ? `${raise}, or end other programs' connections`
      : `lower DATABASE_MAX_CONNECTIONS of every process to ${largestEach}, or ${raise}`;
  return (isShort ? fail : warn)('connections', message, fix);
}

/** @throws the driver's error if it cannot be reached */
async function checkPooler(config: Config, { url, directUrl }: OpenDatabase): Promise<Check> {
  const fix = await missingTimeouts(url, connectTimeoutOf(config));
  if (url === directUrl)
    return warn(
      'pooler',
      'DATABASE_PREPARE is false, which is for poolers, but DATABASE_DIRECT_URL names no way past one',
      'set DATABASE_DIRECT_URL, or unset DATABASE_PREPARE',
    );
  if (fix !== undefined)
    return warn('pooler', 'a statement behind it, or a pause in a transaction, may last longer than it should', fix);
  return ok('pooler', 'no prepared statements, and timeouts are set');
}
