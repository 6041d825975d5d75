import { sql as query, TransactionRollbackError } from 'drizzle-orm';
import { fromDrizzle } from 'pg-boss';
import { expect, it } from 'vitest';
import { cancelJobs, resumeJobs } from 'pg-boss/dist/plans.js';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import type { Transaction } from '../../src/db/pools.ts';
import { completion } from '../../src/queue/boss.ts';
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
  expect(await rowsRead((tx) => queue.forget(tx, ids))).toBeLessThanOrEqual(few * ids.length);
  const [claim = { id: '', retryCount: 0 }] = await queue.claim(db, 1);
  expect(await rowsRead(async (tx) => expect(await queue.requeue(tx, claim)).toBe(true))).toBeLessThanOrEqual(few);
  expect(await rowsRead((tx) => queue.release(tx, claim.id))).toBeLessThanOrEqual(few);
  await queue.complete(db, claim);
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

/** What becomes of jobs in the queue, each of another state. */
async function statesAfter(works: ((tx: Transaction, ids: string[]) => Promise<unknown>)[]): Promise<object[][]> {
  await makeBatch(sql, { userId, items: 6 });
  const [claim, ...rest] = await queue.claim(db, 6);
  const [completed, isCancelled, failed] = rest;
  if (completed) await queue.complete(db, completed);
  if (isCancelled) await queue.cancel(db, [isCancelled.id]);
  if (failed) await queue.retryLater(db, failed);
  const { jobs } = await makeBatch(sql, { userId, items: 2 });
  const ids = [claim, ...rest].flatMap((each) => (each ? [each.id] : [])).concat(jobs);
  await sql`update pgboss.job set start_after = now() + interval '1 hour' where id = ${jobs[1] ?? ''}`;
  const left: object[][] = [];
  for (const work of works)
    await db
      .transaction(async (tx) => {
        await work(tx, ids);
        const rows = await tx.execute(query`
          select id, state, retry_count, priority, output, started_on, completed_on = now() as is_now,
            start_after = now() as starts_now, start_after > now() as starts_later, upsert_by_key
          from pgboss.job where id = any (${arrayLiteral(ids)}::uuid[]) order by id`);
        left.push([...rows]);
        tx.rollback();
      })
      .catch((error: unknown) => {
        if (!(error instanceof TransactionRollbackError)) throw error;
      });
  expect(left.map(({ length }) => length)).toEqual(works.map(() => 8));
  expect(new Set(left.flat().map((row) => (row as { state: string }).state)).size).toBeGreaterThan(1);
  return left;
}

const cancelled = (tx: Transaction, ids: string[]) =>
  fromDrizzle(tx, query).executeSql(cancelJobs('pgboss', table, false), ['pdf', ids]);
const resumed = (tx: Transaction, ids: string[]) =>
  fromDrizzle(tx, query).executeSql(resumeJobs('pgboss', table), ['pdf', ids]);

it('is left by a job that is cancelled as pg-boss does it', async () => {
  const [own, theirs] = await statesAfter([(tx, ids) => queue.cancel(tx, ids), cancelled]);
  expect(own).toEqual(theirs);
});

it('is where a job goes back to as pg-boss does it', async () => {
  const both = async (tx: Transaction, ids: string[]) => {
    await cancelled(tx, ids);
    await resumed(tx, ids);
  };
  const release = async (tx: Transaction, ids: string[]) => {
    for (const id of ids) await queue.release(tx, id);
  };
  const [own, theirs] = await statesAfter([release, both]);
  expect(own).toEqual(theirs);
});

it('is completed by a statement of ours as pg-boss does it: the claim that is the newest, and no other', async () => {
  const claims = async (tx: Transaction, ids: string[], more = 0) =>
    tx.execute<{ id: string; retryCount: number }>(query`
      select id, retry_count + ${more}::int as "retryCount" from pgboss.job
      where name = 'pdf' and id = any (${arrayLiteral(ids)}::uuid[])`);
  const completing = (more: number) => async (tx: Transaction, ids: string[]) => {
    for (const claim of await claims(tx, ids, more)) await tx.execute(completion(query`${claim.id}`, claim.retryCount));
  };
  const theirs = async (tx: Transaction, ids: string[]) => {
    for (const claim of await claims(tx, ids)) await queue.complete(tx, claim);
  };
  const nothing = () => Promise.resolve();
  const [own, pgBoss, stale, before] = await statesAfter([completing(0), theirs, completing(1), nothing]);
  expect(own).toEqual(pgBoss);
  expect(own).not.toEqual(before);
  expect(stale).toEqual(before);
});

it('takes back the claim that is the newest, and no other', async () => {
  const [claim = { id: '', retryCount: 0 }] = await queue.claim(db, 1);
  expect(await queue.requeue(db, { ...claim, retryCount: claim.retryCount + 1 })).toBe(false);
  expect(await queue.requeue(db, claim)).toBe(true);
  expect(await queue.requeue(db, claim)).toBe(false);
  await queue.complete(db, claim);
});

it('leaves a place that somebody has in hand, and waits for nobody', async () => {
  const { jobs } = await makeBatch(sql, { userId, items: 2 });
  const [held = '', free = ''] = jobs;
  await db.transaction(async (tx) => {
    await tx.execute(query`select from pgboss.job where id = ${held} for update`);
    await queue.cancel(db, jobs);
    const rows =
      await sql`select id from pgboss.job where id = any (${arrayLiteral(jobs)}::uuid[]) and state = 'cancelled'`;
    expect([...rows]).toEqual([{ id: free }]);
  });
});
