import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/db/driver.ts';
import { REQUEST_BOUNDS } from '../../src/domain/print-fields.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { startService } from '../support/service.ts';
import { sqlExamples } from '../support/sql-examples.ts';

const { sql, url, key, request } = await startService();

/** A database user who has nothing but the role, and one who has not even that. */
async function userOf(more: string) {
  const name = `app_${randomUUID().slice(0, 8)}`;
  await sql.unsafe(`create role ${name} login password 'x' ${more}`);
  const address = new URL(url);
  Object.assign(address, { username: name, password: 'x' });
  const client = connect(address.href, { max: 1, onnotice: () => undefined });
  afterAll(async () => {
    await client.end();
    await sql.unsafe(`drop owned by ${name}; drop role ${name}`);
  });
  return { name, client };
}
const { name: role, client: app } = await userOf('in role pdfprompt_client');
const { client: nobody } = await userOf('');

const OWN = ['pdfprompt.cancel(uuid)', 'pdfprompt.job(uuid)', 'pdfprompt.submit(text,jsonb,text)'];
const DENIED = '42501';
const NOT_FOR_A_VIEW = '42809';
const codeOf = (statement: Promise<unknown>) =>
  statement.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code,
  );

describe('the role pdfprompt_client', () => {
  it('may call three functions, and no other of this database', async () => {
    const functions = await sql<{ signature: string; call: string; isCalled: boolean; mayCall: boolean }[]>`
      select format('%I.%I(%s)', n.nspname, p.proname, array_to_string(p.proargtypes::regtype[], ',')) as signature,
        p.prokind = 'f' and not p.proisstrict as "isCalled", -- with null a strict one is not
       
        has_schema_privilege(${role}, p.pronamespace, 'usage') and has_function_privilege(${role}, p.oid, 'execute') as "mayCall",
        format('%I.%I(%s)', n.nspname, p.proname, (
          select string_agg(format('null::%s', format_type(t, null)), ', ') from unnest(p.proargtypes) t)) as call
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname not in ('pg_catalog', 'information_schema') order by 1`;
    expect(functions.filter(({ mayCall }) => mayCall).map(({ signature }) => signature)).toEqual(OWN);
    const called = functions.filter(({ isCalled }) => isCalled);
    expect(called.length).toBeGreaterThan(20);
    for (const { signature, call } of called.filter((each) => !OWN.includes(each.signature)))
      expect([signature, await codeOf(app.unsafe(`select ${call}`))]).toEqual([signature, DENIED]);
    // Whoever has not the role has none of them.
    for (const { signature, call } of called)
      expect([signature, await codeOf(nobody.unsafe(`select ${call}`))]).toEqual([signature, DENIED]);
  });

  it('may not read or write any table, view or sequence, nor a column of one', async () => {
    const relations = await sql<{ name: string; kind: string; column: string }[]>`
      select format('%I.%I', n.nspname, c.relname) as name, c.relkind::text as kind,
        (select quote_ident(attname) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = '' limit 1) as column
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname not like 'pg\\_temp%'
        and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')`;
    expect(relations.length).toBeGreaterThan(30);
    for (const { name, kind, column } of relations) {
      const tries =
        kind === 'S'
          ? [`select * from ${name}`, `select nextval('${name}')`, `select setval('${name}', 1)`]
          : [
              `select * from ${name}`,
              `select ${column} from ${name}`,
              `select count(*) from ${name}`,
              `select 1 from ${name} for update`,
              `insert into ${name} default values`,
              `update ${name} set ${column} = ${column}`,
              `delete from ${name}`,
              `truncate ${name}`,
              `copy ${name} to stdout`,
              `copy ${name} from stdin`,
              `do $$ begin lock table ${name} in access share mode; end $$`,
              `create index on ${name} (${column})`,
              `alter table ${name} disable trigger all`,
              `drop table ${name}`,
              `comment on table ${name} is 'x'`,
              `create trigger t before insert on ${name} for each row execute function pdfprompt_on_job_end()`,
            ];
      // A view, or a table without rows to give, is refused in the same way.
      for (const statement of tries) {
        const code = await codeOf(app.unsafe(statement));
        expect([statement, [DENIED, NOT_FOR_A_VIEW].includes(code ?? 'none')]).toEqual([statement, true]);
      }
    }
    expect([
      ...(await sql`
      select c.oid::regclass::text as name, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v')
        and has_column_privilege(${role}, c.oid, a.attnum, 'select, insert, update, references')`),
    ]).toEqual([]);
  });

  it('may not become somebody else, nor make anything of its own beside the tables', async () => {
    const [owner] = await sql<{ name: string }[]>`select current_user as name`;
    for (const statement of [
      `set role ${owner?.name}`,
      'set role pdfprompt_tenant',
      `set session authorization ${owner?.name}`,
      'create schema mine',
      'create table public.mine (a integer)',
      'create table pdfprompt.mine (a integer)',
      'create function public.pdfprompt_refuse() returns void language sql as $$ select $$',
      'create function pdfprompt.submit() returns void language sql as $$ select $$',
      `create or replace function pdfprompt.cancel(id uuid) returns boolean language sql as 'select true'`,
      `alter function pdfprompt.submit set search_path = pg_temp`,
      `alter role ${owner?.name} set search_path = mine`,
      'grant pdfprompt_tenant to pdfprompt_client',
      'set session_replication_role = replica',
      'alter system set work_mem = 1',
      `do $$ begin perform pdfprompt_enqueue(gen_random_uuid(), 0, 1); end $$`,
      `do $$ begin execute 'select * from pdfprompt_api_key'; end $$`,
      `do $$ begin update pdfprompt_tier set requests_per_day = null; end $$`,
      'create event trigger t on ddl_command_end execute function pdfprompt_on_job_end()',
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${owner?.name}'`,
      `copy (select 1) to program 'true'`,
      `select pg_read_file('/etc/passwd')`,
    ]) {
      expect([statement, await codeOf(app.unsafe(statement))]).toEqual([statement, DENIED]);
      await app.unsafe('reset role');
    }
  });

  it('leads no function to other things of the same names', async () => {
    const [user] = await sql<{ id: string }[]>`select id from pdfprompt_user where email = 'ann@example.com'`;
    const names = await sql<{ name: string; columns: string }[]>`
      select c.relname as name, string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum) as columns
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relname like 'pdfprompt\\_%' and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace group by 1`;
    await app.unsafe('begin');
    for (const { name, columns } of names) await app.unsafe(`create temp table ${name} (${columns})`);
    // What it would do in its own tables: any user, no limit.
    await app.unsafe(`insert into pg_temp.pdfprompt_user (id, email) values ('${user?.id}', 'eve@example.com')`);
    await app.unsafe(
      `create function pg_temp.pdfprompt_new_id() returns uuid language sql as $$ select '${user?.id}'::uuid $$`,
    );
    await app.unsafe(`create function pg_temp.lower(text) returns text language sql as $$ select 'ann@example.com' $$`);
    await app.unsafe('set local search_path = pg_temp, pg_catalog, public');
    const [made] = await app<
      { id: string }[]
    >`select pdfprompt.submit('ann@example.com', '{"html": "<p>x</p>"}') as id`;
    expect(made?.id).not.toBe(user?.id);
    expect([
      ...(await app.unsafe('select 1 from pg_temp.pdfprompt_job union all select 1 from pg_temp.pdfprompt_part')),
    ]).toEqual([]);
    await app.unsafe('savepoint s');
    expect(await codeOf(app`select pdfprompt.submit('eve@example.com', '{}')`)).toBe('PDF03');
    await app.unsafe('rollback to s');
    const [seen] = await app<{ job: { id: string } }[]>`select pdfprompt.job(${made?.id ?? ''}) as job`;
    expect(seen?.job.id).toBe(made?.id);
    await app.unsafe('commit');
    expect((await request(`/v1/jobs/${made?.id}`, { key })).status).toBe(200);
    await app.unsafe('discard all');
  });

  it('cannot be led astray by settings of its session', async () => {
    for (const setting of [
      'search_path = pg_temp',
      "row_security = 'off'",
      "pdfprompt.tenant = 'x'",
      'plan_cache_mode = force_custom_plan',
      "check_function_bodies = 'off'",
      "standard_conforming_strings = 'off'",
      "bytea_output = 'escape'",
      "xmloption = 'document'",
      'extra_float_digits = -15',
      "intervalstyle = 'sql_standard'",
      "datestyle = 'SQL, DMY'",
      "timezone = 'Pacific/Kiritimati'",
      "client_encoding = 'LATIN1'",
    ]) {
      await app.unsafe(`set ${setting}`);
      const [made] = await app<
        { id: string }[]
      >`select pdfprompt.submit('ann@example.com', '{"html": "ä"}', ${setting}::text) as id`.catch(
        () => app<{ id: string }[]>`select pdfprompt.submit('ann@example.com', '{"html": "ä"}') as id`,
      );
      const [part] = await sql`select data from pdfprompt_part where job_id = ${made?.id ?? ''}`;
      expect([setting, Object.keys((part?.data ?? {}) as object)]).toEqual([setting, ['html']]);
      await app.unsafe('reset all');
    }
  });

  it('hears the end of jobs', async () => {
    const { client } = await userOf('in role pdfprompt_client');
    const heard: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    await client.listen('pdfprompt_jobs', (text) => {
      heard.push(text);
      resolve();
    });
    const [made] = await app<{ id: string }[]>`select pdfprompt.submit('ann@example.com', '{"html": "x"}') as id`;
    await app`select pdfprompt.cancel(${made?.id ?? ''})`;
    await promise;
    expect(JSON.parse(heard[0] ?? '{}')).toMatchObject({ id: made?.id, status: 'cancelled' });
  });
});

describe('a function of ours', () => {
  it('that runs as its owner looks for names where its owner said', async () => {
    const rows = await sql`
      select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname in ('public', 'pdfprompt') and p.prosecdef
        and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, public, pg_temp']`;
    expect([...rows]).toEqual([]);
  });
});

describe('docs/sql.md', async () => {
  const { psql, statements } = await sqlExamples();

  it('has an example that psql runs as it is: the invoice and its PDF, or neither', async () => {
    await sql`create table invoices (number text primary key, total numeric)`;
    await sql.unsafe(`grant insert, select on invoices to ${role}`);
    const jobs = () => sql`select filename from pdfprompt_job where idempotency_key = 'invoice-2026-0042'`;
    await app.unsafe(psql.replace('commit;', 'rollback;'));
    expect([...(await jobs()), ...(await sql`select 1 from invoices`)]).toEqual([]);
    await app.unsafe(psql);
    expect([...(await jobs()), ...(await sql`select number from invoices`)]).toEqual([
      { filename: '2026-0042.pdf' },
      { number: '2026-0042' },
    ]);
  });

  it.each(['ruby', 'python', 'php', 'ts', 'go'])(
    'has an example in %s whose statement runs in a transaction',
    async (language) => {
      const statement = statements[language] ?? '';
      expect(statement).toMatch(/\$1.*\$2::text::jsonb.*\$3/);
      const body = { template: 'invoice', data: { number: 1 } };
      const id = await app.begin(async (transaction) => {
        const [row = {}] = await transaction.unsafe<Record<string, string>[]>(statement, [
          'ann@example.com',
          JSON.stringify(body),
          language,
        ]);
        return Object.values(row)[0] ?? '';
      });
      expect([...(await sql`select kind, data from pdfprompt_part where job_id = ${id}`)]).toEqual([
        { kind: 'request', data: body },
      ]);
    },
  );

  it('names the errors that there are, and the limit of a request', async () => {
    const text = await readFile(new URL('../../docs/sql.md', import.meta.url), 'utf8');
    const [row] = await sql<
      { text: string }[]
    >`select obj_description('pdfprompt.submit(text,jsonb,text)'::regprocedure) as text`;
    const codes = (from = '') => [...new Set(from.match(/PDF\d\d/g))].sort();
    expect(codes(text)).toEqual(codes(row?.text));
    expect(text).toContain(`${REQUEST_BOUNDS.bodyBytes / MEGABYTE} MB`);
  });
});
