import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { describe, expect, it } from 'vitest';
import * as schema from '../../src/db/schema.ts';
import { createDatabase } from '../support/database.ts';

const { sql } = await createDatabase();
const tables = Object.values(schema)
  .filter((value) => value instanceof PgTable)
  .map(getTableConfig);

interface Column {
  table: string;
  name: string;
  type: string;
  notNull: boolean;
  isPrimary: boolean;
}

describe('the schema in TypeScript', () => {
  it('is the one in the database, column by column', async () => {
    const live = await sql<Column[]>`
      select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "notNull",
        exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)) as "isPrimary"
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relname like 'pdfprompt\\_%' and c.relkind = 'r' and c.relname not like 'pdfprompt\\_migration%' and a.attnum > 0 and not a.attisdropped
      order by 1, 2`;
    const known = tables.flatMap(({ name: table, columns, primaryKeys }) =>
      columns.map((column): Column => {
        const isPrimary =
          column.primary || primaryKeys.some((key) => key.columns.some((each) => each.name === column.name));
        return { table, name: column.name, type: column.getSQLType(), notNull: column.notNull || isPrimary, isPrimary };
      }),
    );
    const order = (a: Column, b: Column) => (`${a.table}.${a.name}` < `${b.table}.${b.name}` ? -1 : 1);
    expect(known.toSorted(order)).toEqual([...live].map((row) => ({ ...row })).toSorted(order));
    expect(known.length).toBeGreaterThan(50);
  });
});

describe('the tables', () => {
  it('are commented, every one', async () => {
    const rows =
      await sql`select relname from pg_class where relname like 'pdfprompt\\_%' and relkind = 'r' and relname not like 'pdfprompt\\_migration%' and obj_description(oid) is null`;
    expect([...rows]).toEqual([]);
  });

  it('have the indexes that operators know', async () => {
    const rows = await sql<
      { name: string; definition: string }[]
    >`select indexname as name, indexdef as definition from pg_indexes where indexname like 'idx\\_%' order by 1`;
    expect(rows.map((row) => row.definition.replace(/.* ON public\./, ''))).toEqual([
      'pdfprompt_file USING btree (job_id)',
      "pdfprompt_job USING btree (status, created_at) WHERE (status = 'queued'::text)",
      'pdfprompt_usage_history USING btree (user_id, created_at)',
      'pdfprompt_user_subscription USING btree (user_id)',
    ]);
  });

  it('begin with the four tiers', async () => {
    expect([
      ...(await sql`select name, requests_per_minute as minute, requests_per_day as day, priority from pdfprompt_tier order by priority`),
    ]).toEqual([
      { name: 'starter', minute: 2, day: 100, priority: 0 },
      { name: 'professional', minute: 10, day: 1000, priority: 1 },
      { name: 'enterprise', minute: 50, day: 10000, priority: 2 },
      { name: 'system', minute: null, day: null, priority: 3 },
    ]);
  });

  const user = '01a20b1c-7e0d-7435-94b8-000000000001';
  const insertJob = (columns: string, values: string) =>
    sql.unsafe(
      `insert into pdfprompt_job (id, user_id, priority, request, ${columns}) values (gen_random_uuid(), '${user}', 0, '{}', ${values})`,
    );
  const insertPart = (column: string, value: string, position = 0) =>
    sql.unsafe(
      `insert into pdfprompt_part (job_id, position, kind, ${column}) values (gen_random_uuid(), ${position}, 'html', ${value})`,
    );
  it.each([
    ['a part with two values', () => insertPart('content, data', `'x', '{}'`), 'pdfprompt_part_one_value'],
    ['a part before the first', () => insertPart('content', `'x'`, -1), 'pdfprompt_part_position_check'],
    ['a part of no job', () => insertPart('content', `'x'`), 'pdfprompt_part_job_id_fkey'],
    ['an unknown status', () => insertJob('html, status', `'x', 'lost'`), 'pdfprompt_job_status_check'],
    ['a running job that never started', () => insertJob('html, status', `'x', 'processing'`), 'pdfprompt_job_started'],
    ['a completed job that never ended', () => insertJob('html, status', `'x', 'completed'`), 'pdfprompt_job_ended'],
    [
      'a failed job without a reason',
      () => insertJob('html, status, completed_at', `'x', 'failed', now()`),
      'pdfprompt_job_error',
    ],
    [
      'a priority that is none',
      () =>
        sql.unsafe(
          `insert into pdfprompt_job (id, user_id, priority, request, html) values (gen_random_uuid(), '${user}', 4, '{}', 'x')`,
        ),
      'pdfprompt_job_priority_check',
    ],
    [
      'a job of nobody',
      () =>
        sql.unsafe(
          `insert into pdfprompt_job (id, user_id, priority, request, html) values (gen_random_uuid(), gen_random_uuid(), 0, '{}', 'x')`,
        ),
      'pdfprompt_job_user_id_fkey',
    ],
    [
      'two subscriptions at once',
      () =>
        sql.unsafe(
          `insert into pdfprompt_user_subscription (id, user_id, tier) values (gen_random_uuid(), '${user}', 'starter'), (gen_random_uuid(), '${user}', 'enterprise')`,
        ),
      'pdfprompt_user_subscription_current',
    ],
    [
      'a key that is not a hash',
      () =>
        sql.unsafe(
          `insert into pdfprompt_api_key (id, user_id, prefix, hash) values (gen_random_uuid(), '${user}', 'pdf_', 'short')`,
        ),
      'pdfprompt_api_key_hash_check',
    ],
    ...(
      [
        ['that may do nothing', `scopes`, `'{}'`, 'scopes'],
        ['that may do what there is not', `scopes`, `'{root}'`, 'scopes'],
        ['that may do null', `scopes`, `'{null}'`, 'scopes'],
        ['that expires after the end of time', `expires_at`, `'infinity'`, 'expiry'],
      ] as const
    ).map(([what, column, value, constraint]): [string, () => Promise<unknown>, string] => [
      `a key ${what}`,
      () =>
        sql.unsafe(
          `insert into pdfprompt_api_key (id, user_id, prefix, hash, ${column}) values (gen_random_uuid(), '${user}', 'pdf_', sha256('x'), ${value})`,
        ),
      `pdfprompt_api_key_${constraint}`,
    ]),
    [
      'a subscription to a tier that is not there',
      () =>
        sql.unsafe(
          `insert into pdfprompt_user_subscription (id, user_id, tier) values (gen_random_uuid(), '${user}', 'gold')`,
        ),
      'pdfprompt_user_subscription_tier_in_force_fkey',
    ],
    [
      'an empty PDF',
      () =>
        sql.unsafe(
          `insert into pdfprompt_file (id, job_id, user_id, store, size, pages, sha256, expires_at) values (gen_random_uuid(), gen_random_uuid(), '${user}', 'postgres', 0, 1, sha256('x'), now())`,
        ),
      'pdfprompt_file_size_check',
    ],
  ])('refuse %s', async (_, insert, constraint) => {
    await sql.unsafe(
      `insert into pdfprompt_user (id, email) values ('${user}', 'ann@example.com') on conflict do nothing`,
    );
    await expect(insert()).rejects.toMatchObject({ constraint_name: constraint });
  });
});
