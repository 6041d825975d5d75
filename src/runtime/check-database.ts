import { connectionBudget, FEWEST_CONNECTIONS, type Fleet } from '../config/connections.ts';
import type { Config } from '../config/load.ts';
import { inspectServer, missingTimeouts, type ServerFacts } from '../db/inspect.ts';
import { type PositionFault, positionOf } from '../db/position.ts';
import { Standby } from '../db/standby.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Check } from './check.ts';
import {
  acquireDatabase,
  databaseError,
  type DatabaseHandle,
  migrateDatabase,
  openConfiguredPool,
  type Progress,
  replicaOptions,
} from './database.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const OLDEST_POSTGRES = 130_000;
/** Milliseconds for the read replica to come as far as the primary. */
const CATCH_UP_MS = 1_000;

/** What `doctor` says of the database: its server, its replica, its connections, its schema. */
export async function checkDatabase(config: Config, onProgress: Progress): Promise<Check[]> {
  let handle: DatabaseHandle;
  try {
    handle = await acquireDatabase(config, onProgress);
  } catch (error) {
    return [
      { name: 'postgres', status: 'fail', message: messageOf(error), fix: 'set DATABASE_URL to a Postgres of yours' },
    ];
  }
  try {
    const facts = await inspectServer(handle.directUrl, Math.min(config.databaseConnectTimeoutMs, CONNECT_TIMEOUT_MS));
    const where = handle.isEmbedded ? 'embedded' : 'DATABASE_URL';
    const checks: Check[] = [
      facts.versionNumber < OLDEST_POSTGRES
        ? {
            name: 'postgres',
            status: 'fail',
            message: `Postgres ${facts.version} (${where}) is too old`,
            fix: 'use Postgres 13 or newer',
          }
        : facts.inRecovery
          ? {
              name: 'postgres',
              status: 'fail',
              message: `Postgres ${facts.version} (${where}) is a read-only standby`,
              fix: 'set DATABASE_URL to the primary',
            }
          : { name: 'postgres', status: 'ok', message: `Postgres ${facts.version} (${where})` },
      checkConnections(config, facts),
      ...(config.databasePrepare ? [] : [await checkPooler(config, handle)]),
    ];
    const { pending } = await migrateDatabase({ url: handle.directUrl, config, check: true });
    if (pending.length === 0) checks.push({ name: 'migrations', status: 'ok', message: 'the database is up to date' });
    else if (handle.isEmbedded)
      checks.push({ name: 'migrations', status: 'ok', message: 'the embedded database is migrated at the next start' });
    else
      checks.push({
        name: 'migrations',
        status: 'fail',
        message: `the database lacks ${pending.join(', ')}`,
        fix: 'pdfprompt migrate',
      });
    return [...checks, ...(await checkReplica(config, handle.url))];
  } catch (error) {
    return [
      {
        name: 'postgres',
        status: 'fail',
        message: messageOf(databaseError(error, handle.url)),
        fix: 'correct DATABASE_URL, or unset it to use the embedded Postgres',
      },
    ];
  } finally {
    await handle.release();
  }
}

const REPLICA_FAULTS: Record<PositionFault, { message: string; fix: string }> = {
  'no standby': {
    message: 'DATABASE_READ_REPLICA_URL names a server that is no standby: it was promoted, or is the primary itself',
    fix: 'set DATABASE_READ_REPLICA_URL to a streaming standby of DATABASE_URL, or unset it',
  },
  'another database': {
    message: 'DATABASE_READ_REPLICA_URL names a server that was not made of a copy of DATABASE_URL',
    fix: 'set DATABASE_READ_REPLICA_URL to a streaming standby of DATABASE_URL, or unset it',
  },
  'another timeline': {
    message: 'the standby has not followed the primary through a failover',
    fix: 'wait for its next restartpoint, some minutes, or grant its user pg_read_all_stats; if it stays so, make the standby anew',
  },
  behind: {
    message: `the standby did not come as far as the primary was within ${CATCH_UP_MS / 1000} s`,
    fix: 'look at pg_stat_replication on the primary, and whether somebody paused the replay (pg_is_wal_replay_paused)',
  },
};

/** Never a failure: without its replica pdfprompt reads from the primary. */
async function checkReplica(config: Config, primaryUrl: string): Promise<Check[]> {
  const options = replicaOptions(config, 'pdfprompt doctor');
  if (!options) return [];
  const name = 'read replica';
  const connectTimeoutMs = Math.min(config.databaseConnectTimeoutMs, CONNECT_TIMEOUT_MS);
  const standby = new Standby({ ...options, connectTimeoutMs });
  const primary = openConfiguredPool(config, { url: primaryUrl, applicationName: 'pdfprompt doctor', max: 1 });
  try {
    const needed = await positionOf(primary.db);
    const startedAt = performance.now();
    await new Deadline(2 * CONNECT_TIMEOUT_MS).race('asking the read replica', standby.check());
    const fault = await standby.catchUp(needed, CATCH_UP_MS);
    if (fault) return [{ name, status: 'warn', ...REPLICA_FAULTS[fault] }];
    const ms = Math.round(performance.now() - startedAt);
    return [{ name, status: 'ok', message: `a standby that came as far as the primary was, within ${ms} ms` }];
  } catch (error) {
    const fix = 'start the standby, correct DATABASE_READ_REPLICA_URL, or unset it';
    return [{ name, status: 'warn', message: `cannot be used: ${messageOf(error)}`, fix }];
  } finally {
    await Promise.all([standby.close(), primary.close(0)]);
  }
}

/** What the processes that run, and one API and one worker more, may open. */
function checkConnections(config: Config, { maxConnections, connections }: ServerFacts): Check {
  const runs = (kind: string) => connections.get(`pdfprompt ${kind} bell`) ?? 0; // every process has one
  const running = { serve: runs('serve'), work: runs('work'), up: runs('up') };
  const isPooled = !config.databasePrepare;
  const isOurs = (name: string) => (isPooled ? /^pdfprompt (\w+ bell|worker)$/ : /^pdfprompt /).test(name);
  const others = [...connections].reduce((sum, [name, count]) => sum + (isOurs(name) ? 0 : count), 0);
  const each = config.databaseMaxConnections;
  const budgetOf = (fleet: Fleet) => connectionBudget({ fleet, each, isPooled, maxConnections, others });
  const { needed, available, largestEach } = budgetOf({
    ...running,
    serve: running.serve + 1,
    work: running.work + 1,
  });
  const now = Object.entries(running).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []));
  const message =
    `${now.length === 0 ? 'one serve and one work' : `${now.join(', ')} that run, one serve and one work more`} may open ${needed}` +
    ` of ${maxConnections} connections${others > 0 ? `, of which other programs have ${others}` : ''}`;
  if (needed <= available) return { name: 'connections', status: 'ok', message };
  const raise = `raise max_connections in postgresql.conf by ${needed - available}`;
  return {
    name: 'connections',
    status: now.length === 0 || budgetOf(running).needed > available ? 'fail' : 'warn',
    message,
    fix:
      isPooled || largestEach < FEWEST_CONNECTIONS
        ? `${raise}, or end other programs' connections`
        : `lower DATABASE_MAX_CONNECTIONS of every process to ${largestEach}, or ${raise}`,
  };
}

/** @throws the driver's error if it cannot be reached */
async function checkPooler(config: Config, { url, directUrl }: DatabaseHandle): Promise<Check> {
  const fix = await missingTimeouts(url, Math.min(config.databaseConnectTimeoutMs, CONNECT_TIMEOUT_MS));
  if (url === directUrl)
    return {
      name: 'pooler',
      status: 'warn',
      message: 'DATABASE_PREPARE is false, which is for poolers, but DATABASE_DIRECT_URL names no way past one',
      fix: 'set DATABASE_DIRECT_URL, or unset DATABASE_PREPARE',
    };
  if (fix !== undefined)
    return { name: 'pooler', status: 'warn', message: 'a statement behind it may last for ever', fix };
  return { name: 'pooler', status: 'ok', message: 'no prepared statements, and timeouts are set' };
}
