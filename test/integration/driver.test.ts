import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { inCopyTransaction } from '../../src/db/copy-transaction.ts';
import { isDatabaseUnavailable, openPool } from '../../src/db/pools.ts';
import { Deadline } from '../../src/kernel/deadline.ts';
import { createDatabase } from '../support/database.ts';
import { eventually } from '../support/processes.ts';

const database = await createDatabase();
const options = { url: database.url, idleTimeoutMs: 10_000, connectTimeoutMs: 5_000, prepare: true };

describe('backends that are killed in the middle of transactions', () => {
  it('end no process, leave no transaction without an answer, and none by half', async () => {
    const pool = openPool({ ...options, max: 10, applicationName: 'victim' });
    await database.sql`create table pair (id text, half int)`;
    const unexpected: unknown[] = [];
    const mixedUp: unknown[] = [];
    let committed = 0;
    let killed = 0;

    const transaction = (id: string, kind: number) =>
      pool.db.transaction(async (tx) => {
        await tx.execute(sql`insert into pair values (${id}, 1)`);
        if (kind === 0) await sleep(20); // idle: nobody hears of the loss before the next statement
        if (kind === 1) await tx.execute(sql`select pg_sleep(0.02)`); // busy
        await tx.execute(sql`insert into pair values (${id}, 2)`);
        if (kind === 2) await tx.execute(sql`select ${'x'.repeat(5_000)}::text`); // written at once, not in the next turn
      });
    const question = async (id: string) => {
      const [row] = await pool.db.execute<{ id: string }>(sql`select ${id}::text as id`);
      if (row?.id !== id) mixedUp.push({ asked: id, answered: row });
    };
    const client = async (index: number) => {
      for (let turn = 0; killed < 200; turn++) {
        try {
          await new Deadline(60_000).race('a transaction', transaction(`${index}-${turn}`, turn % 3));
          committed++;
          await new Deadline(60_000).race('a question', question(`${index}-${turn}`));
        } catch (error) {
          if (!isDatabaseUnavailable(error)) unexpected.push(error);
        }
      }
    };
    const killer = async () => {
      while (killed < 200) {
        const rows =
          await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and random() < 0.3`;
        killed += rows.length;
        await sleep(20);
      }
    };
    await Promise.all([killer(), ...Array.from({ length: 14 }, (_, index) => client(index))]);

    expect(unexpected).toEqual([]);
    expect(mixedUp).toEqual([]);
    expect(committed).toBeGreaterThan(20);
    const halves = await database.sql`select id from pair group by id having count(*) <> 2`;
    expect([...halves]).toEqual([]);
    const [whole] = await database.sql`select count(distinct id)::int as count from pair`;
    expect(whole?.count).toBeGreaterThanOrEqual(committed);
    expect((await pool.db.execute(sql`select 1 as one`))[0]).toEqual({ one: 1 });
    await pool.close();
  });
});

describe('a pool whose connections are all busy', () => {
  it('takes a transaction, which waits for a connection of its own', async () => {
    const pool = openPool({ ...options, max: 2, applicationName: 'busy' });
    const query = () => pool.db.execute(sql`select pg_sleep(0.05)`);
    await Promise.all([query(), query()]);
    const queries = Promise.all([query(), query()]);
    await sleep(10);
    const [row] = await pool.db.transaction((tx) => tx.execute(sql`select 1 as one`));
    expect(row).toEqual({ one: 1 });
    await queries;
    await pool.close();
  });
});

describe('a query that fails after its first rows', () => {
  it('leaves nothing in the answer to the next', async () => {
    const pool = openPool({ ...options, max: 1, applicationName: 'halfway' });
    const halfway = pool.db.execute(sql`select 1 / n from generate_series(3000, -1, -1) as n`); // more than one buffer
    await expect(halfway).rejects.toThrow(/select 1/);
    expect([...(await pool.db.execute(sql`select 7 as seven`))]).toEqual([{ seven: 7 }]);
    await pool.close();
  });
});

describe('a COPY whose reader is behind when rows come', () => {
  it.each([20_000, 70_000, 100_000, 2_000_000])(
    'of %i bytes leaves the connection to the next statement',
    async (size) => {
      const { url, connectTimeoutMs } = options;
      await inCopyTransaction(
        { url, connectTimeoutMs, applicationName: 'copy' },
        async ({ sql: statements, copyOut }) => {
          const rows = `(select repeat('x', 999) from generate_series(1, ${size / 1_000}))`;
          const next = () => new Deadline(10_000).race('the next statement', statements`select 7 as seven`);

          const isBehind = ({ readableLength, readableHighWaterMark }: Readable) =>
            readableLength >= Math.min(size, readableHighWaterMark);
          const slow = await copyOut(rows);
          await eventually(() => isBehind(slow), 10_000, 'the reader is behind');
          let bytes = 0;
          for await (const piece of slow as AsyncIterable<Buffer>) bytes += piece.length;
          expect([bytes, ...(await next())]).toEqual([size, { seven: 7 }]);

          const left = await copyOut(rows);
          await eventually(() => isBehind(left), 10_000, 'the reader is behind');
          left.destroy();
          expect([...(await next())]).toEqual([{ seven: 7 }]);
        },
      );
    },
  );
});

describe('a statement of any size', () => {
  it.each([true, false])('arrives as it was sent; prepared: %s', async (prepare) => {
    const pool = openPool({ ...options, prepare, max: 2, applicationName: 'sizes' });
    const sizes = [0, 900, 1_100, 65_300, 65_500, 65_536, 70_000, 600_000];
    const texts = sizes.map((size) => 'é€x'.repeat(size).slice(0, size));
    const same = (text: string) => sql`md5(${text}::text) = ${md5(text)}`;
    for (const first of texts) {
      // Two at a time, so that a statement follows another on its connection.
      const answers = texts.map(async (second, number) => {
        const [row] = await pool.db.execute(
          sql`select ${same(first)} as first, ${same(second)} as second, ${number}::integer as number`,
        );
        expect(row).toEqual({ first: true, second: true, number });
      });
      await Promise.all(answers);
    }
    await pool.close();
  });
});

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
