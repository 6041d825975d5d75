import { afterAll, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import { connect } from '../../src/db/driver.ts';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { migrateDatabase } from '../../src/runtime/database.ts';
import { openTestPool } from '../support/database.ts';
import { pdfprompt } from '../support/cli.ts';
import { temporaryDirectory } from '../support/files.ts';
import { sqlExamples } from '../support/sql-examples.ts';
import { unpackPreviousRelease } from '../support/previous-release.ts';
import { testConfig } from '../support/service.ts';

const cluster = new EmbeddedPostgres({ dataDir: await temporaryDirectory('owners') });
await cluster.start();
const root = connect(cluster.url, { max: 1 });
afterAll(async () => {
  await root.end();
  await cluster.stop();
});
const urlOf = (database: string, user?: string) => {
  const url = new URL(cluster.url);
  if (user !== undefined) Object.assign(url, { username: user, password: 'hunter2' });
  url.pathname = `/${database}`;
  return url.href;
};
/** What one statement gives, in a session of its own. */
async function ask(url: string, statement: string): Promise<unknown[]> {
  const client = connect(url, { max: 1, onnotice: () => undefined });
  try {
    return (await client.unsafe(statement)).map((row) => ({ ...(row as object) }));
  } finally {
    await client.end();
  }
}
const SUBMIT = `select length(pdfprompt.submit('ann@example.com', '{"html": "x"}')::text)`;

it('a user who may not make roles migrates without it, and a superuser makes it later with what docs/sql.md says', async () => {
  await root.unsafe(`create role modest login password 'hunter2'; create role app login password 'hunter2'`);
  await root.unsafe('create database modest owner modest');
  await root.unsafe('create role pdfprompt_tenant nologin; grant pdfprompt_tenant to modest');
  const url = urlOf('modest', 'modest');
  await migrateDatabase({ url, config: testConfig({ DATABASE_URL: url }) });
  expect(await ask(url, `select 1 from pg_roles where rolname = 'pdfprompt_client'`)).toEqual([]);
  // What the migration does for a user called pdfprompt needs no more rights than these.
  await ask(url, 'alter role modest in database modest set search_path = public');
  const pool = openTestPool(url);
  await createKey(pool.db, { email: 'ann@example.com', tier: 'starter' });
  await pool.close();
  const asApp = urlOf('modest', 'app');
  await expect(ask(asApp, SUBMIT)).rejects.toMatchObject({ code: '42501' });
  await ask(urlOf('modest'), (await sqlExamples()).role);
  expect(await ask(asApp, SUBMIT)).toEqual([{ length: 36 }]);
  await expect(ask(asApp, 'select * from pdfprompt_job')).rejects.toMatchObject({ code: '42501' });
}, 120_000);

it('whoever may write the tables may still call what does it', async () => {
  const url = urlOf('modest');
  await ask(url, `create role service login password 'hunter2'`);
  await ask(url, `grant select, insert, update, delete on all tables in schema public to service`);
  await ask(url, `delete from pdfprompt_migration_added where version = 33`);
  await ask(
    url,
    `drop schema pdfprompt cascade; drop function pdfprompt_new_id, pdfprompt_time_text, pdfprompt_shown_metadata,
    pdfprompt_wanted_deliveries, pdfprompt_submit_request`,
  );
  await migrateDatabase({ url, config: testConfig({ DATABASE_URL: url }) });
  expect(
    await ask(
      urlOf('modest', 'service'),
      `select has_function_privilege('pdfprompt_refuse_submission(uuid, text, pdfprompt_tier, pdfprompt_lane, timestamptz)', 'execute') as may`,
    ),
  ).toEqual([{ may: true }]);
}, 120_000);

it('a user called pdfprompt finds the tables where they were, and so does the release before', async () => {
  const [user] = await root<{ name: string }[]>`select current_user as name`;
  expect(user?.name).toBe('pdfprompt');
  await root.unsafe('create database named');
  const url = urlOf('named');
  const config = testConfig({ DATABASE_URL: url });
  await migrateDatabase({ url, config });
  const where = `select current_schema() as schema, to_regclass('pdfprompt_job')::text as job,
    (select count(*)::integer from pg_class c where c.relnamespace = 'pdfprompt'::regnamespace) as tables`;
  expect(await ask(url, where)).toEqual([{ schema: 'public', job: 'pdfprompt_job', tables: 0 }]);
  const previous = await unpackPreviousRelease();
  expect(await pdfprompt(['migrate', '--check'], { bin: previous, env: { DATABASE_URL: url } }).exited).toMatchObject({
    code: 0,
  });
  // A dump has no settings of roles: as after its restore.
  await root.unsafe('alter role pdfprompt in database named reset search_path');
  expect(await ask(url, 'select current_schema() as schema')).toEqual([{ schema: 'pdfprompt' }]);
  expect((await migrateDatabase({ url, config, check: true })).pending).toEqual([]);
  await ask(url, 'drop function pdfprompt_enqueue');
  expect((await migrateDatabase({ url, config })).pending).toEqual(['pdfprompt_enqueue(uuid, integer, integer)']);
  expect(
    await ask(url, `select to_regprocedure('public.pdfprompt_enqueue(uuid,integer,integer)') is not null as there`),
  ).toEqual([{ there: true }]);
  expect(await ask(url, where)).toMatchObject([{ tables: 0 }]);
}, 120_000);

it('tables that were in the schema pdfprompt from the start stay there', async () => {
  await root.unsafe('create database own');
  const url = urlOf('own');
  await ask(url, 'create schema pdfprompt');
  const config = testConfig({ DATABASE_URL: url });
  await migrateDatabase({ url, config });
  expect((await migrateDatabase({ url, config, check: true })).pending).toEqual([]);
  const pool = openTestPool(url);
  await createKey(pool.db, { email: 'ann@example.com', tier: 'starter' });
  await pool.close();
  expect(await ask(url, SUBMIT)).toEqual([{ length: 36 }]);
  expect(await ask(url, `select count(*)::integer as tables from pg_tables where schemaname = 'public'`)).toEqual([
    { tables: 0 },
  ]);
}, 120_000);
