import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { connect } from './driver.ts';
import { OperatorError } from '../kernel/errors.ts';
import { ConnectionHeartbeat } from './connection-heartbeat.ts';

const DIRECTORY = new URL('../../sql/', import.meta.url);
/** One migration at a time over all processes. */
const LOCK = 7_233_702;
/** For a sign of life after a statement was sent, which itself may take as long as it likes. */
const FIRST_BYTE_TIMEOUT_MS = 10_000;
const NO_TRANSACTION = '-- pdfprompt: no transaction';

/**
 * The newest migration that a program must know to run on this schema. What came after it only adds to what there
 * was, and is written down in a table of its own, at which a program of the last release does not look: so that can
 * run beside this one, and in place of it. CONTRIBUTING.md says when this grows.
 */
export const NEEDED = 15;

/** Of the migrations up to {@link NEEDED}, and of those after it. */
const NEEDED_TABLE = 'pdfprompt_migration';
const ADDED_TABLE = 'pdfprompt_migration_added';

interface Migration {
  version: number;
  name: string;
  text: string;
  sha256: string;
}

export interface MigrationReport {
  /** names of the migrations applied, or with `check` those that are missing */
  pending: string[];
}

export interface MigrateOptions {
  url: string;
  connectTimeoutMs: number;
  /** only look */
  check?: boolean;
  onApply?: (name: string) => void;
  /** what else belongs to the schema (the queue's tables), run under the same lock */
  afterwards?: (check: boolean) => Promise<string[]>;
}

/**
 * Brings the database to this version: every file in `sql/` that it has not had, in order. One that is newer stays as
 * it is, if this version can run on it.
 * @throws OperatorError if a migration was edited after it was applied, or the database is too new for this version
 */
export async function migrate({
  url,
  connectTimeoutMs,
  check = false,
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
    // Tried, not waited for: a waiting session holds a snapshot, for which CREATE INDEX CONCURRENTLY would wait in turn.
    while (!check && !(await tryLock(sql))) await sleep(100);
    const pending = missing(known, await appliedMigrations(sql));
    if (!check) {
      await keepOldOnesOut(sql);
      for (const migration of pending) {
        onApply?.(migration.name);
        await apply(sql, migration);
      }
    }
    const more = (await afterwards?.(check)) ?? [];
    return { pending: [...pending.map((migration) => migration.name), ...more] };
  } finally {
    await sql.end({ timeout: 5 }); // gives the lock back
  }
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, DIRECTORY), 'utf8');
      return { version: Number(name.slice(0, 4)), name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

async function tryLock(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ locked: boolean }[]>`select pg_try_advisory_lock(${LOCK}) as locked`;
  return row?.locked === true;
}

interface Applied {
  version: number;
  name: string;
  sha256: string;
  /** whether a program that does not know it must not run */
  isNeeded: boolean;
}

async function appliedMigrations(sql: Sql): Promise<Map<number, Applied>> {
  const applied = new Map<number, Applied>();
  for (const table of [NEEDED_TABLE, ADDED_TABLE]) {
    if (!(await exists(sql, table))) continue;
    const rows = await sql<Omit<Applied, 'isNeeded'>[]>`select version, name, sha256 from ${sql(table)}`;
    for (const row of rows) applied.set(row.version, { ...row, isNeeded: table === NEEDED_TABLE });
  }
  return applied;
}

async function exists(sql: Sql, table: string): Promise<boolean> {
  const rows = await sql`select 1 from pg_tables where schemaname = current_schema() and tablename = ${table}`;
  return rows.length > 0;
}

function missing(known: Migration[], applied: Map<number, Applied>): Migration[] {
  const newest = known.at(-1)?.version ?? 0;
  for (const { version, name, isNeeded } of applied.values()) {
    if (version > newest && isNeeded)
      throw new OperatorError(
        `The database has migration ${name}, which this version of pdfprompt does not know. Run a newer pdfprompt.`,
      );
  }
  return known.filter((migration) => {
    const had = applied.get(migration.version);
    if (had && had.sha256 !== migration.sha256) {
      throw new OperatorError(
        `Migration ${migration.name} is not the one that was applied to this database (its content differs). Migrations are never edited: restore the file, or start with an empty database.`,
      );
    }
    return !had;
  });
}

/** A migration takes away what programs have used that do not know this or that one: from before it on they are refused. */
async function keepOldOnesOut(sql: Sql): Promise<void> {
  for (const table of [NEEDED_TABLE, ADDED_TABLE]) {
    if (!(await exists(sql, table)))
      await sql`create table if not exists ${sql(table)} (
        version integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`;
  }
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
      await sql.unsafe(statement);
    await sql`insert into ${sql(table)} ${sql(row)}`;
  } else {
    await sql.begin(async (transaction) => {
      await transaction.unsafe(text);
      await transaction`insert into ${sql(table)} ${sql(row)}`;
    });
  }
}

/** A concurrent build that was cut off leaves an invalid index of the name, which IF NOT EXISTS would take for done. */
async function dropInvalidIndexes(sql: Sql): Promise<void> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    where not i.indisvalid and t.relname like 'pdfprompt\\_%'`;
  for (const { name } of rows) await sql`drop index concurrently if exists ${sql(name)}`;
}
