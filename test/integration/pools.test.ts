import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { missingTimeouts } from '../../src/db/inspect.ts';
import { isDatabaseUnavailable, openPool, type Transaction } from '../../src/db/pools.ts';
import { TENANT_ROLE } from '../../src/db/tenant.ts';
import { createDatabase } from '../support/database.ts';

const database = await createDatabase();
const options = {
  url: database.url,
  max: 1,
  applicationName: 'pools test',
  idleTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
};

it.each([
  [true, 2],
  [false, 0],
])('a pool with prepare: %s prepares %i of two statements with parameters', async (prepare, count) => {
  const pool = openPool({ ...options, prepare });
  await pool.db.execute(sql`select ${1}::int as mine`);
  await pool.db.transaction((tx) => tx.execute(sql`select ${2}::int as mine`));
  await pool.db.transaction((tx) => tx.execute(sql`select ${3}::int as yours`));
  const rows = await pool.db.execute(sql`select 1 from pg_prepared_statements where statement like '%$1%'`);
  expect(rows).toHaveLength(count);
  await pool.close();
});

it('reads by index what was prepared while the table was empty', async () => {
  await database.sql.unsafe('create table big (id int primary key); analyze big');
  const pool = openPool({ ...options, prepare: true });
  const read = () => pool.db.execute(sql`select id from big where id = ${7}`);
  for (let time = 0; time < 10; time++) await read(); // a generic plan by now
  await database.sql`insert into big select generate_series(1, 50000)`;
  await read();
  await pool.close();
  const [usage] = await database.sql<{ seq_scan: number }[]>`
    select seq_scan::int from pg_stat_user_tables where relname = 'big'`;
  expect(usage?.seq_scan).toBeLessThanOrEqual(1); // ANALYZE's own
});

describe('what may hold others up', () => {
  it('is named if it may take longer than that', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await database.sql.unsafe(`alter database ${name} set statement_timeout = '30s'`);
    await database.sql.unsafe(`alter database ${name} set idle_in_transaction_session_timeout = '30s'`);
    const fix = await missingTimeouts(database.url, 5_000);
    expect(fix).toContain(`set idle_in_transaction_session_timeout = '10s';`);
    expect(fix).toContain(`set lock_timeout = '10s';`);
    expect(fix).not.toContain('statement_timeout');
  });

  it('has its time: a statement, a wait for a lock, a pause in a transaction', async () => {
    const pool = openPool({ ...options, prepare: true });
    const [row] = await pool.db.execute(sql`select current_setting('statement_timeout') as statement,
      current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as pause`);
    expect(row).toEqual({ statement: '30s', lock: '10s', pause: '10s' });
    await pool.close();
  });

  const shortly = async (setting: string, work: (tx: Transaction) => Promise<unknown>) => {
    const pool = openPool({ ...options, prepare: true });
    const error = await pool.db
      .transaction(async (tx) => {
        await tx.execute(sql`select set_config(${setting}, '50', true)`);
        await work(tx);
      })
      .catch((reason: unknown) => reason);
    await pool.close();
    return error;
  };
  it.each([
    ['a statement', 'statement_timeout', (tx: Transaction) => tx.execute(sql`select pg_sleep(60)`)],
    ['a wait for a lock', 'lock_timeout', (tx: Transaction) => tx.execute(sql`lock table held`)],
    [
      'a pause in a transaction',
      'idle_in_transaction_session_timeout',
      async (tx: Transaction) => {
        await sleep(300);
        await tx.execute(sql`select 1`);
      },
    ],
  ])('%s that takes longer fails as something to be tried again', async (_, setting, work) => {
    await database.sql`create table if not exists held ()`;
    await database.sql.begin(async (holder) => {
      await holder`lock table held`;
      const startedAt = performance.now();
      expect(isDatabaseUnavailable(await shortly(setting, work))).toBe(true);
      expect(performance.now() - startedAt).toBeLessThan(30_000);
    });
  });

  it('so has the wait for a connection: 5 s', async () => {
    const pool = openPool({ ...options, prepare: true });
    const held = Promise.resolve(pool.db.execute(sql`select pg_sleep(6)`)); // or it would begin when it is waited for
    const startedAt = performance.now();
    await expect(pool.db.execute(sql`select 1`)).rejects.toMatchObject({ cause: { code: 'ACQUIRE_TIMEOUT' } });
    expect(performance.now() - startedAt).toBeGreaterThan(4_500);
    await held;
    expect(await pool.db.execute(sql`select 1 as one`)).toEqual([{ one: 1 }]);
    await pool.close();
  });
});

describe.each([true, false])('a pool with a role and prepare: %s', (prepare) => {
  const role = sql`select current_user as role, ${1}::integer as one`;

  it('is in its role in every query and every transaction', async () => {
    const pool = openPool({ ...options, prepare, role: TENANT_ROLE });
    for (let time = 0; time < 3; time++)
      expect(await pool.db.execute(role)).toMatchObject([{ role: TENANT_ROLE, one: 1 }]);
    expect(await pool.db.transaction((tx) => tx.execute(role))).toMatchObject([{ role: TENANT_ROLE }]);
    expect(await pool.db.transaction((tx) => tx.transaction((inner) => inner.execute(role)))).toMatchObject([
      { role: TENANT_ROLE },
    ]);
    await expect(pool.db.execute(sql`select 1 from pdfprompt_user`)).rejects.toMatchObject({
      cause: { code: '42501' },
    });
    expect(await pool.db.execute(role)).toMatchObject([{ role: TENANT_ROLE }]);
    await pool.close();
  });
});
