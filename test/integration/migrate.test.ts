import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, inject, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { installQueue } from '../../src/queue/boss.ts';
import { migrateDatabase } from '../../src/runtime/database.ts';
import { createDatabase } from '../support/database.ts';
import { testConfig } from '../support/service.ts';

const FILES = readdirSync(new URL('../../sql/', import.meta.url)).sort();
const connectTimeoutMs = 10_000;
const config = testConfig({});

describe('migrate', () => {
  it('brings an empty database to this version, once, however many do it at a time', async () => {
    const { url, sql } = await createDatabase({ empty: true });
    expect((await migrateDatabase({ url, config, check: true })).pending).toEqual([...FILES, 'pgboss schema 46']);
    const reports = await Promise.all(Array.from({ length: 4 }, () => migrateDatabase({ url, config })));
    expect(reports.filter((report) => report.pending.length > 0)).toHaveLength(1);
    expect((await migrateDatabase({ url, config, check: true })).pending).toEqual([]);
    expect((await sql`select name from pdfprompt_migration order by version`).map((row) => row.name)).toEqual(FILES);
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
    expect(count).toEqual({ tables: 13 });
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

describe('the queue', () => {
  it('has the schema version that --check expects of the pinned pg-boss', async () => {
    const { url } = await createDatabase({ empty: true });
    expect(await installQueue({ url, connectTimeoutMs, check: false })).toEqual(['pgboss schema 46']);
    expect(await installQueue({ url, connectTimeoutMs, check: true })).toEqual([]);
  });
});
