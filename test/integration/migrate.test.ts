import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { connect } from '../../src/db/driver.ts';
import { migrate, NEEDED } from '../../src/db/migrate.ts';
import { installQueue } from '../../src/queue/boss.ts';
import { migrateDatabase } from '../../src/runtime/database.ts';
import { createDatabase } from '../support/database.ts';
import { previousMigrations, unpackPreviousRelease } from '../support/previous-release.ts';
import { testConfig } from '../support/service.ts';

const FILES = readdirSync(new URL('../../sql/', import.meta.url)).sort();
/** What the queue lacks in an empty database. */
const QUEUE = ['pgboss schema 46', 'pdfprompt_enqueue(uuid, integer, integer)'];
const connectTimeoutMs = 10_000;
const run = promisify(execFile);
const config = testConfig({});

describe('migrate', () => {
  it('brings an empty database to this version, once, however many do it at a time', async () => {
    const { url, sql } = await createDatabase({ empty: true });
    expect((await migrateDatabase({ url, config, check: true })).pending).toEqual([...FILES, ...QUEUE]);
    const reports = await Promise.all(Array.from({ length: 4 }, () => migrateDatabase({ url, config })));
    expect(reports.filter((report) => report.pending.length > 0)).toHaveLength(1);
    expect((await migrateDatabase({ url, config, check: true })).pending).toEqual([]);
    const applied = await sql`
      select name from (table pdfprompt_migration union all table pdfprompt_migration_added) as applied order by version`;
    expect(applied.map((row) => row.name)).toEqual(FILES);
    const [version] = await sql`select version from pgboss.version`;
    expect(version).toEqual({ version: 46 });
    const [queue] = await sql`select partition, name from pgboss.queue where name = 'pdf'`;
    expect(queue).toEqual({ partition: true, name: 'pdf' });
  });

  it('refuses a database that is newer', async () => {
    const { url, sql } = await createDatabase();
    await sql`insert into pdfprompt_migration (version, name, sha256) values (9999, '9999_future.sql', 'x')`;
    await expect(migrate({ url, connectTimeoutMs })).rejects.toThrow(
      'The database has migration 9999_future.sql, which this version of pdfprompt does not know. Run a newer pdfprompt.',
    );
  });

  it('leaves one alone that is newer, but has all that this version needs', async () => {
    const { url, sql } = await createDatabase();
    await sql`insert into pdfprompt_migration_added (version, name, sha256) values (9999, '9999_future.sql', 'x')`;
    const newest = expect.stringMatching(/^\d{4}_\w+\.sql$/) as string;
    expect(await migrate({ url, connectTimeoutMs })).toEqual({ pending: [], newest });
    expect(await migrate({ url, connectTimeoutMs, check: true })).toEqual({ pending: [], newest });
  });

  it('records in the table that older versions read which migrations they must know', async () => {
    const { url, sql } = await createDatabase();
    const before = await sql`select version, name, sha256 from pdfprompt_migration order by version`;
    expect(before.map(({ version }) => Number(version) <= NEEDED)).not.toContain(false);
    // As it was when this version's was the first that had them.
    await sql`with moved as (delete from pdfprompt_migration where version > 10 returning *)
      insert into pdfprompt_migration_added select * from moved`;
    expect(await migrate({ url, connectTimeoutMs })).toMatchObject({ pending: [] });
    expect(await sql`select version, name, sha256 from pdfprompt_migration order by version`).toEqual(before);
  });

  it('refuses a migration that was edited after it was applied', async () => {
    const { url, sql } = await createDatabase();
    await sql`update pdfprompt_migration set sha256 = 'other' where version = 1`;
    await expect(migrate({ url, connectTimeoutMs })).rejects.toThrow(
      /Migration 0001_tables\.sql is not the one that was applied/,
    );
  });

  it('builds an index again whose concurrent build was cut off', async () => {
    const { url, sql } = await createDatabase();
    await sql`delete from pdfprompt_migration where version = 2`;
    await sql`update pg_index set indisvalid = false where indexrelid = 'idx_files_job_id'::regclass`;
    await migrate({ url, connectTimeoutMs });
    const [index] = await sql`select indisvalid from pg_index where indexrelid = 'idx_files_job_id'::regclass`;
    expect(index).toEqual({ indisvalid: true });
  });

  it('is plain SQL that any client can run', async () => {
    const { sql } = await createDatabase({ empty: true });
    for (const name of FILES) {
      const text = readFileSync(new URL(`../../sql/${name}`, import.meta.url), 'utf8');
      if (text.startsWith('-- pdfprompt: no transaction'))
        for (const statement of text.split(/;\s*$/m).slice(0, -1)) await sql.unsafe(statement);
      else await sql.unsafe(text);
    }
    const [count] = await sql`select count(*)::int as tables from pg_tables where tablename like 'pdfprompt\\_%'`;
    expect(count).toEqual({ tables: 41 });
  });

  it('says in a sentence what is wrong with the address', async () => {
    const dead = new URL(inject('templateUrl'));
    dead.port = '1';
    await expect(migrateDatabase({ url: dead.href, config })).rejects.toThrow(
      /^The database \w+ at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED.* Nothing listens there: start Postgres, or correct DATABASE_URL/,
    );
    const wrong = new URL(inject('templateUrl'));
    wrong.password = 'wrong';
    await expect(migrateDatabase({ url: wrong.href, config })).rejects.toThrow(
      /User or password is wrong: correct DATABASE_URL\.$/,
    );
    const none = new URL(inject('templateUrl'));
    none.pathname = '/none';
    await expect(migrateDatabase({ url: none.href, config })).rejects.toThrow(
      /There is no such database: create it with createdb/,
    );
  });
});

/** What a release cannot live with that does not know of it, on a table that it knows. */
const TAKES_AWAY: Record<string, RegExp> = {
  'drops what it reads or writes': /^(drop (?!index)|alter table \S+ .*\bdrop (column|default|expression|identity))/,
  'makes empty what it takes for filled': /\bdrop not null\b/,
  'calls it otherwise': /\brename\b|\bset schema\b/,
  'makes it of another type': /\balter column \S+ (set data )?type\b|^alter (type|domain)\b/,
  'asks for more than it writes':
    /\bset not null\b|\badd column (if not exists )?\S+ [^,;]*\bnot null\b(?![^,;]*\b(default|generated)\b)(?<!\b(default|generated)\b[^,;]*)/,
  'refuses what it writes':
    /\badd (constraint|check|unique|foreign key|exclude|primary key)\b|^create unique index\b|^create (or replace )?(trigger|rule)\b|^create or replace function\b/,
  'forbids what it may': /^revoke\b|\brow level security\b|^create policy\b|\bowner to\b/,
  'takes rows away': /^(delete|truncate)\b/,
};

/** Indexes that refuse nothing that the release before writes. */
const WEAKER = new Set([
  'pdfprompt_file_job_position', // one file of a job at each place, instead of one file
  'pdfprompt_job_item', // on a column that it leaves empty
  'pdfprompt_job_closing',
]);

/** Checks that are replaced by ones which allow more. */
const WEAKER_CHECKS = new Set([
  'pdfprompt_job_status_check',
  'pdfprompt_delivery_kind_check',
  'pdfprompt_api_key_scopes',
]);

/** Columns that may be empty now, and that the release before only joins with: it does not see such a row. */
const EMPTIED = new Set(['pdfprompt_console_session.key_id']);

/** What fires when the release before writes, and was meant to. */
const MEANT = new Set([
  'pdfprompt_job_of_batch_ended',
  'pdfprompt_move_part_back',
  'pdfprompt_file_deleted',
  'pdfprompt_file_expired',
  'pdfprompt_release_part',
  'pdfprompt_job_ended',
  'pdfprompt_upload_ended',
  'pdfprompt_job_added',
  'pdfprompt_batch_deleted',
  'pdfprompt_batch_opened',
  'pdfprompt_batch_opened_again',
  'pdfprompt_jobs_deleted',
  'pdfprompt_job_read',
  'pdfprompt_erase_page_report', // when it erases a document
  'pdfprompt_user_ring_limits', // which tells every process
]);

/** Heads of functions of the release before that are replaced by ones which take and return the same. */
const SAME_HEAD = new Set([
  // It counts only those ahead that are not paused.
  'create or replace function pdfprompt_queue_position(rank integer, id uuid) returns integer language sql stable parallel safe security definer',
]);

/** Functions of the release before, which a later one must not replace. */
const FUNCTIONS = new Set(
  (await previousMigrations())
    .map((name) => readFileSync(new URL(`../../sql/${name}`, import.meta.url), 'utf8'))
    .flatMap((text) => [...text.matchAll(/^create (?:or replace )?function (\w+)/gm)].map(([, name]) => name)),
);

/** @returns what is wrong with a migration, statement by statement; what its functions do is theirs */
function takenAway(text: string): string[] {
  const statements = text
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/ as \$\$.*?\$\$/gs, '')
    .split(/;\s*$/m)
    .map((statement) =>
      statement
        .replaceAll(/'(?:[^']|'')*'/g, "''")
        .replaceAll(/\s+/g, ' ')
        .trim()
        .toLowerCase(),
    )
    .filter((statement) => statement !== '');
  const made = statements.flatMap((statement) => /^create table (?:if not exists )?(\S+)/.exec(statement)?.[1] ?? []);
  const isMeant = (statement: string) =>
    SAME_HEAD.has(statement) ||
    MEANT.has(/^(?:create|drop) trigger (?:if exists )?(\S+)/.exec(statement)?.[1] ?? '') ||
    /^(?:create or replace|drop) function (\w+)/
      .exec(statement)
      ?.slice(1)
      .some((name) => !FUNCTIONS.has(name));
  const isWeaker = (statement: string) =>
    WEAKER.has(/^create unique index \D*?(pdfprompt_\w+) on/.exec(statement)?.[1] ?? '') ||
    WEAKER_CHECKS.has(/^alter table \S+ add constraint (\w+) check /.exec(statement)?.[1] ?? '');
  const isEmptied = (statement: string) =>
    EMPTIED.has(/^alter table (\S+) alter column (\S+) drop not null$/.exec(statement)?.slice(1).join('.') ?? '');
  const isOfNew = (statement: string) => made.some((table) => new RegExp(`\\b${table}\\b`).test(statement));
  return statements
    .filter((statement) => !statement.startsWith('create table') && !isOfNew(statement) && !isWeaker(statement))
    .filter((statement) => !isMeant(statement) && !isEmptied(statement))
    .flatMap((statement) =>
      Object.entries(TAKES_AWAY)
        .filter(([, pattern]) => pattern.test(statement))
        .map(([what]) => `${what}: ${statement}`),
    );
}

describe('the migrations since the release before', () => {
  it('only add to what there was, so that it runs on them', async () => {
    const previous = await previousMigrations();
    expect(previous.length).toBeGreaterThan(14);
    expect(FILES).toEqual(expect.arrayContaining(previous));
    const since = FILES.filter((name) => !previous.includes(name));
    for (const name of since) {
      const text = readFileSync(new URL(`../../sql/${name}`, import.meta.url), 'utf8');
      expect([name, takenAway(text)]).toEqual([name, []]);
    }
    // And it is let in.
    expect(NEEDED).toBeLessThanOrEqual(Number(previous.at(-1)?.slice(0, 4)));
  });

  it.each([
    'alter table pdfprompt_job drop column tier;',
    'drop table pdfprompt_lane;',
    'drop function pdfprompt_queue_position;',
    'alter table pdfprompt_job rename column tier to plan;',
    'alter table pdfprompt_job\n  rename to pdfprompt_document;',
    'alter table pdfprompt_job add column locale text not null;',
    'alter table pdfprompt_job add column a text,\n add column b text not null;',
    'alter table pdfprompt_job alter column tier drop not null;',
    'alter table pdfprompt_job alter column tier drop default;',
    'alter table pdfprompt_job alter column tier set not null;',
    'alter table pdfprompt_job alter column rank type bigint;',
    'alter table pdfprompt_job add constraint c check (rank > 0);',
    'create unique index concurrently on pdfprompt_job (request_id);',
    'create trigger t before insert on pdfprompt_job for each row execute function f();',
    'create or replace function pdfprompt_queue_position(rank integer, id uuid) returns integer language sql as $$ select 1 $$;',
    'revoke select on pdfprompt_job from pdfprompt_tenant;',
    'delete from pdfprompt_job where html is null;',
  ])('would be noticed: %s', (statement) => {
    expect(takenAway(`-- why\n${statement}\n`)).toHaveLength(1);
  });

  it.each([
    "alter table pdfprompt_job add column locale text not null default 'de; drop table x';",
    'alter table pdfprompt_job add column a text, add column b integer default 0 not null;',
    'create index concurrently if not exists i on pdfprompt_job (tier);\ndrop index concurrently if exists j;',
    'create table pdfprompt_x (id uuid primary key, at timestamptz not null);\nalter table pdfprompt_x enable row level security;',
    'alter table pdfprompt_job drop constraint c;',
  ])('may be: %s', (statement) => {
    expect(takenAway(statement)).toEqual([]);
  });
});

it('a migration gives way to whatever the release before is doing', async () => {
  const { url, sql } = await createDatabase({ empty: true });
  await run(process.execPath, [await unpackPreviousRelease(), 'migrate'], { env: { DATABASE_URL: url } });
  const names = await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`;
  const tables = names.map(({ name }) => name).filter((name) => !name.startsWith('pdfprompt_migration'));
  const shuffled = () => tables.toSorted(() => Math.random() - 0.5);
  let isMigrated = false;
  let transactions = 0;
  const client = async () => {
    const connection = connect(url, { max: 1 });
    for (; !isMigrated; transactions++)
      await connection.begin(async (tx) => {
        for (const table of shuffled()) await tx`select 1 from ${tx(table)} limit 1`;
        for (const table of shuffled()) await tx`lock table ${tx(table)} in row exclusive mode`; // as to write
        await sleep(20 * Math.random());
      });
    await connection.end({ timeout: 1 });
  };
  const clients = Array.from({ length: 3 }, client);
  const { pending } = await migrateDatabase({ url, config }).finally(() => (isMigrated = true));
  await Promise.all(clients);
  expect(pending.length).toBeGreaterThan(2);
  expect(transactions).toBeGreaterThan(20);
});

describe('the queue', () => {
  it('has the schema version that --check expects of the pinned pg-boss', async () => {
    const { url } = await createDatabase({ empty: true });
    expect(await installQueue({ url, connectTimeoutMs, check: false })).toEqual(QUEUE);
    expect(await installQueue({ url, connectTimeoutMs, check: true })).toEqual([]);
  });
});
