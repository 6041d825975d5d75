import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql, TransactionSql } from 'postgres';
import { OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { ConnectionHeartbeat } from './connection-heartbeat.ts';
import { connect } from './driver.ts';

const DIRECTORY = new URL('../../sql/', import.meta.url);
/** Advisory lock, so that only one process migrates at a time. */
const LOCK = 7_233_702;
/** For the first byte after a statement was sent; the statement itself has no limit. */
const FIRST_BYTE_TIMEOUT_MS = 10_000;
/**
 * Milliseconds that a migration waits for a table: everybody else who needs the table waits behind it. Less than
 * Postgres's `deadlock_timeout`, so that it is the migration that gives way, and no request of the running service fails.
 */
const LOCK_TIMEOUT_MS = 500;
/** Until the next try. */
const LOCK_PAUSE_MS = 200;
const LOCK_PATIENCE_MS = 600_000;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';
/** It waits for all transactions, and nobody waits for it. */
const CONCURRENT = /\bindex concurrently\b/;
const NO_TRANSACTION = '-- pdfprompt: no transaction';

/**
 * The newest migration that a program must know to run on this schema. The later ones only add to it. They are
 * recorded in a table of their own, which the previous release does not read, so that it can still run on this
 * database. CONTRIBUTING.md says when to raise this number.
 */
export const NEEDED = 15;

/** Records the migrations up to {@link NEEDED}. */
const NEEDED_TABLE = 'pdfprompt_migration';
/** Records the migrations after {@link NEEDED}. */
const ADDED_TABLE = 'pdfprompt_migration_added';
const TABLES = [NEEDED_TABLE, ADDED_TABLE];

interface Migration {
  version: number;
  name: string;
  text: string;
  sha256: string;
}

export interface MigrationReport {
  /** names of the migrations applied, or with `check` of those that are missing */
  pending: string[];
  /** the newest that the database has; undefined: it has none */
  newest: string | undefined;
}

export interface MigrateOptions {
  url: string;
  connectTimeoutMs: number;
  /** only reports what is missing, and changes nothing */
  check?: boolean;
  /** only these; default: all */
  versions?: ReadonlySet<number> | undefined;
  onApply?: (name: string) => void;
  /** migrates the rest of the schema (the queue's tables) under the same lock; returns what was missing */
  afterwards?: (check: boolean) => Promise<string[]>;
}

/**
 * Applies every file in `sql/` that the database lacks, in order. A newer database is left unchanged if this version
 * can run on it.
 * @throws OperatorError if a migration was edited after it was applied, or the database is too new for this version
 */
export async function migrate({
  url,
  connectTimeoutMs,
  check = false,
  versions,
  onApply,
  afterwards,
}: MigrateOptions): Promise<MigrationReport> {
  const known = await readMigrations();
  const sql = connect(url, {
    max: 1,
    connect_timeout: connectTimeoutMs / 1000,
    connection: { application_name: 'pdfprompt migrate' },
    heartbeat: new ConnectionHeartbeat({ firstByteMs: FIRST_BYTE_TIMEOUT_MS, answerMs: Infinity }),
  });
  try {
    // Polled: a session that waits for the lock holds a snapshot, for which CREATE INDEX CONCURRENTLY would wait.
    const tryLock = () => sql<{ locked: boolean }[]>`select pg_try_advisory_lock(${LOCK}) as locked`;
    while (!check && !(await tryLock())[0]?.locked) await sleep(100);
    await lookInOneSchema(sql);
    const tables = await existingTables(sql);
    const applied = await readApplied(sql, tables);
    const missing = findMissing(known, applied);
    const pending = missing.filter(({ version }) => versions?.has(version) ?? true);
    if (!check) {
      await prepareTables(sql, tables);
      for (const migration of pending) {
        onApply?.(migration.name);
        await apply(sql, migration);
      }
    }
    const more = (await afterwards?.(check)) ?? [];
    const newest = [...applied.values(), ...(check ? [] : pending)]
      .toSorted((a, b) => a.version - b.version)
      .at(-1)?.name;
    return { pending: [...pending.map((migration) => migration.name), ...more], newest };
  } finally {
    await sql.end({ timeout: 5 }); // releases the lock
  }
}

/** Those that this program has, in order. */
export async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, DIRECTORY), 'utf8');
      return { version: Number(name.slice(0, 4)), name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

/**
 * From here on the session looks where it looks now, whatever schemas are created. Without the schema of applications
 * (`sql/0033_sql_client.sql`), which a user of the same name would find first, unless the tables are in it too.
 */
async function lookInOneSchema(sql: Sql): Promise<void> {
  await sql`
    select set_config('search_path', string_agg(quote_ident(s), ', ' order by place), false)
    from unnest(current_schemas(false)) with ordinality as found (s, place)
    where s <> 'pdfprompt' or to_regprocedure('pdfprompt.submit(text,jsonb,text)') is null
      or to_regclass(format('pdfprompt.%I', ${NEEDED_TABLE}::text)) is not null
    having count(*) > 0`;
}

/** Which of {@link TABLES} there are. */
async function existingTables(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = current_schema() and tablename in ${sql(TABLES)}`;
  return rows.map(({ name }) => name);
}

interface Applied extends Omit<Migration, 'text'> {
  /** whether only programs that know it may run */
  isNeeded: boolean;
}

async function readApplied(sql: Sql, tables: string[]): Promise<Map<number, Applied>> {
  const applied = new Map<number, Applied>();
  for (const table of tables) {
    const rows = await sql<Omit<Applied, 'isNeeded'>[]>`select version, name, sha256 from ${sql(table)}`;
    for (const row of rows) applied.set(row.version, { ...row, isNeeded: table === NEEDED_TABLE });
  }
  return applied;
}

function findMissing(known: Migration[], applied: Map<number, Applied>): Migration[] {
  const newest = known.at(-1)?.version ?? 0;
  for (const { version, name, isNeeded } of applied.values()) {
    if (version > newest && isNeeded)
      throw new OperatorError(
        `The database has migration ${name}, which this version of pdfprompt does not know. Run a newer pdfprompt.`,
      );
  }
  return known.filter(({ version, name, sha256 }) => {
    const had = applied.get(version);
    if (had && had.sha256 !== sha256)
      throw new OperatorError(
        `Migration ${name} is not the one that was applied to this database (its content differs). Migrations are never edited: restore the file, or start with an empty database.`,
      );
    return !had;
  });
}

/**
 * Creates the tables that are missing, and moves the record of what is needed by now to where older programs read it:
 * they refuse to run from then on, before a migration takes away what they use.
 */
async function prepareTables(sql: Sql, existing: string[]): Promise<void> {
  for (const table of TABLES.filter((each) => !existing.includes(each)))
    await sql`create table if not exists ${sql(table)} (
      version integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`;
  await sql`
    with needed as (delete from ${sql(ADDED_TABLE)} where version <= ${NEEDED} returning *)
    insert into ${sql(NEEDED_TABLE)} select * from needed`;
}

async function apply(sql: Sql, { version, name, text, sha256 }: Migration): Promise<void> {
  const row = { version, name, sha256 };
  const table = version <= NEEDED ? NEEDED_TABLE : ADDED_TABLE;
  if (text.startsWith(NO_TRANSACTION)) {
    await dropInvalidIndexes(sql);
    for (const statement of text.split(/;\s*$/m).filter((part) => part.replaceAll(/^--.*$/gm, '').trim() !== ''))
      await (CONCURRENT.test(statement) ? sql.unsafe(statement) : inShortTurns(sql, name, statement));
    await sql`insert into ${sql(table)} ${sql(row)}`;
  } else {
    await inShortTurns(sql, name, text, (transaction) => transaction`insert into ${sql(table)} ${sql(row)}`);
  }
}

/** Runs statements in one transaction, again and again until nobody keeps them from their tables. @throws OperatorError after ten minutes */
async function inShortTurns(
  sql: Sql,
  name: string,
  text: string,
  more: (transaction: TransactionSql) => Promise<unknown> = async () => undefined,
): Promise<void> {
  const until = performance.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      await sql.begin(async (transaction) => {
        await transaction.unsafe(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
        await transaction.unsafe(text);
        await more(transaction);
      });
      return;
    } catch (error) {
      const code = systemCodeOf(error);
      if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK_DETECTED) throw error;
      if (performance.now() > until)
        throw new OperatorError(
          `Migration ${name} found its tables locked for ten minutes. End what holds them (pg_locks, pg_stat_activity: a backup, a long query), and run it again.`,
          { cause: error },
        );
      await sleep(LOCK_PAUSE_MS);
    }
  }
}

/** An interrupted concurrent build leaves an invalid index of the same name, which IF NOT EXISTS would accept. */
async function dropInvalidIndexes(sql: Sql): Promise<void> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    where not i.indisvalid and t.relname like 'pdfprompt\\_%'`;
  for (const { name } of rows) await sql`drop index concurrently if exists ${sql(name)}`;
}
