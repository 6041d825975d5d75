import type { Config } from '../config/load.ts';
import { PostgresError } from '../db/driver.ts';
import { migrate, type MigrationReport } from '../db/migrate.ts';
import { openPool, type Pool, type PoolOptions } from '../db/pools.ts';
import { TENANT_ROLE } from '../db/tenant.ts';
import { messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { installQueue } from '../queue/boss.ts';
import { acquireDatabase, type DatabaseHandle, type Progress } from './acquire-database.ts';

interface MigrateInput {
  /** without a pooler in between */
  url: string;
  config: Config;
  check?: boolean;
  /** only these; default: all */
  versions?: ReadonlySet<number> | undefined;
  onProgress?: Progress;
}

/** @throws OperatorError if the database cannot be reached, or cannot be migrated by this version */
export async function migrateDatabase({
  url,
  config,
  check = false,
  versions,
  onProgress,
}: MigrateInput): Promise<MigrationReport> {
  const { databaseConnectTimeoutMs: connectTimeoutMs } = config;
  try {
    return await migrate({
      url,
      connectTimeoutMs,
      check,
      versions,
      onApply: (name) => onProgress?.(`Applying ${name}`),
      afterwards: (onlyCheck) => installQueue({ url, connectTimeoutMs, check: onlyCheck }),
    });
  } catch (error) {
    throw databaseError(error, url);
  }
}

interface OpenOptions {
  config: Config;
  onProgress: Progress;
  /** migrates any database; the embedded one is always migrated */
  migrate?: boolean;
  /** if it is being acquired already */
  acquiring?: Promise<DatabaseHandle> | undefined;
  /** called with the names of the migrations that were applied, if any were */
  onMigrated?: (names: string[]) => void;
}

/** A database of this version. @throws OperatorError that says what to type if it is not */
export async function openDatabase({
  config,
  onProgress,
  migrate: always = false,
  acquiring = acquireDatabase(config, onProgress),
  onMigrated,
}: OpenOptions): Promise<DatabaseHandle> {
  const handle = await acquiring;
  const check = !handle.isEmbedded && !always;
  try {
    const { pending } = await migrateDatabase({ url: handle.directUrl, config, check, onProgress });
    if (check && pending.length > 0)
      throw new OperatorError(`The database lacks ${pending.join(', ')}. Type: pdfprompt migrate`);
    if (!check && pending.length > 0) onMigrated?.(pending);
    return handle;
  } catch (error) {
    await handle.release();
    throw error;
  }
}

/** For commands: runs `work` with a migrated database, and closes it whatever happens. */
export async function withDatabase<T>(
  { config, onProgress }: Pick<OpenOptions, 'config' | 'onProgress'>,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const handle = await openDatabase({ config, onProgress });
  try {
    const pool = openConfiguredPool(config, { url: handle.url, applicationName: 'pdfprompt command', max: 2 });
    try {
      return await work(pool);
    } finally {
      await pool.close();
    }
  } finally {
    await handle.release();
  }
}

type WhichPool = Pick<PoolOptions, 'url' | 'applicationName' | 'max' | 'role' | 'onStatement'>;

export function openConfiguredPool(config: Config, which: WhichPool): Pool {
  return openPool(poolOptions(config, which));
}

/** For the connections to the read replica, if there is one. They do not count for the primary's limit. */
export function replicaOptions(
  config: Config,
  name: string,
  onStatement?: PoolOptions['onStatement'],
): PoolOptions | undefined {
  const url = config.databaseReadReplicaUrl;
  const max = Math.ceil(config.databaseMaxConnections / 2);
  return url === undefined
    ? undefined
    : poolOptions(config, { url, applicationName: `${name} replica`, max, role: TENANT_ROLE, onStatement });
}

function poolOptions(config: Config, which: WhichPool): PoolOptions {
  return {
    ...which,
    idleTimeoutMs: config.databaseIdleTimeoutMs,
    connectTimeoutMs: config.databaseConnectTimeoutMs,
    prepare: config.databasePrepare,
  };
}

const HINTS: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there: start Postgres, or correct DATABASE_URL, or unset it to use the embedded one.',
  ENOTFOUND: 'There is no such host: correct DATABASE_URL.',
  CONNECT_TIMEOUT: 'Nobody answers there: check the address in DATABASE_URL and the firewall.',
  '08P01': 'If that is a pooler, set DATABASE_PREPARE=false and DATABASE_DIRECT_URL.',
  '28P01': 'User or password is wrong: correct DATABASE_URL.',
  '28000': 'This user may not connect: correct DATABASE_URL or pg_hba.conf.',
  '3D000': 'There is no such database: create it with createdb, or correct DATABASE_URL.',
  '42501': 'This user may not create tables: grant CREATE on the database and its schema public.',
};

/** For the usual faults: an OperatorError that says what to do, without the password. Others stay as they are. */
export function databaseError(error: unknown, url: string): Error {
  const code = systemCodeOf(error);
  const hint = serverHint(error) ?? (code === undefined ? undefined : HINTS[code]);
  if (error instanceof OperatorError || hint === undefined) return error as Error;
  const { host, pathname } = new URL(url);
  return new OperatorError(
    `The database ${pathname.slice(1)} at ${host} cannot be used: ${messageOf(error)}. ${hint}`,
    { cause: error },
  );
}

/** Of a missing privilege: our migrations say what to type as a superuser. */
function serverHint(error: unknown): string | undefined {
  return error instanceof PostgresError && error.code === '42501' ? error.hint : undefined;
}
