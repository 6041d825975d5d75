import { sql as query, TransactionRollbackError } from 'drizzle-orm';
import { fromDrizzle } from 'pg-boss';
import { expect, it } from 'vitest';
import { cancelJobs } from 'pg-boss/dist/plans.js';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import type { Transaction } from '../../src/db/pools.ts';
import { principalOf } from '../support/accounts.ts';
import { makeBatch } from '../support/batches.ts';
import { startService } from '../support/service.ts';

const WAITING = 3_000;

const service = await startService();
const { sql } = service;
const { db, queue } = service.base;
const { userId } = await principalOf(db, service.key);
const [{ table } = { table: '' }] = await sql<{ table: string }[]>`
  select table_name as table from pgboss.queue where name = 'pdf'`;

/** Rows of the queue that the work reads, which is undone. */
async function rowsRead(work: (tx: Transaction) => Promise<unknown>): Promise<number> {
  let rows = -1;
  const read = async (tx: Transaction) => {
    const [row] = await tx.execute<{ rows: number }>(query`
      select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::integer as rows
      from pg_stat_xact_user_tables where schemaname = 'pgboss' and relname = ${table}`);
    return row?.rows ?? 0;
  };
  const undone = db.transaction(async (tx) => {
    const before = await read(tx);
    await work(tx);
    rows = (await read(tx)) - before;
    tx.rollback();
  });
  await expect(undone).rejects.toThrow(TransactionRollbackError);
  return rows;
}

// What Postgres knew of the queue when the batch came.
it.each<[string, () => Promise<unknown>]>([
  ['few waited', async () => makeBatch(sql, { userId, items: 3 })],
  ['all had ended', async () => sql`update pgboss.job set state = 'cancelled', completed_on = now()`],
  ['the queue was empty', async () => sql`delete from pgboss.job`],
])('reads the rows of its jobs and no others, though a batch waits, which came when %s', async (_, prepare) => {
  await prepare();
  await sql.unsafe('vacuum analyze');
  const { jobs } = await makeBatch(sql, { userId, items: WAITING });
  const ids = jobs.slice(-250);
  const few = 3; // a statement may read a row again, to change it
  expect(await rowsRead((tx) => queue.cancel(tx, ids))).toBeLessThanOrEqual(few * ids.length);
  expect(await rowsRead((tx) => queue.lock(tx, ids))).toBeLessThanOrEqual(few * ids.length);
  expect(await rowsRead((tx) => queue.forget(tx, ids))).toBeLessThanOrEqual(few * ids.length);
});

it('looks for jobs that the queue has lost without reading all that wait', async () => {
  await sql`delete from pgboss.job`;
  await sql.unsafe('vacuum analyze');
  const { jobs } = await makeBatch(sql, { userId, items: WAITING });
  const ids = jobs.slice(-250);
  const missing = (tx: Transaction) =>
    tx.execute(query`
      select from unnest(${arrayLiteral(ids)}::uuid[]) as each (id) where not ${queue.has(query`each.id`)}`);
  expect(await rowsRead(missing)).toBeLessThanOrEqual(ids.length);
});

it('is left by a job that is cancelled as pg-boss does it', async () => {
  const [claim, ...rest] = [...(await queue.claim(db, 1)), ...(await queue.claim(db, 3))];
  for (const each of rest.slice(0, 1)) await queue.complete(db, each);
  const { jobs } = await makeBatch(sql, { userId, items: 2 });
  const ids = [claim, ...rest].flatMap((each) => (each ? [each.id] : [])).concat(jobs);
  const left: object[] = [];
  const undone = (cancel: (tx: Transaction) => Promise<unknown>) =>
    db
      .transaction(async (tx) => {
        await cancel(tx);
        const rows = await tx.execute(query`
          select id, state, retry_count, priority, output, started_on, completed_on = now() as is_now
          from pgboss.job where id = any (${arrayLiteral(ids)}::uuid[]) order by id`);
        left.push([...rows]);
        tx.rollback();
      })
      .catch((error: unknown) => {
        if (!(error instanceof TransactionRollbackError)) throw error;
      });
  await undone((tx) => queue.cancel(tx, ids));
  await undone((tx) => fromDrizzle(tx, query).executeSql(cancelJobs('pgboss', table, false), ['pdf', ids]));
  expect(left[0]).toHaveLength(6);
  expect(left[0]).toEqual(left[1]);
});
