/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect } from '../../src/db/driver.ts';
import { openPool, type PoolOptions, type Queryable } from '../../src/db/pools.ts';
import { positionOf } from '../../src/db/position.ts';
import { ReadRouter } from '../../src/db/read-router.ts';
import { Standby } from '../../src/db/standby.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { examine } from '../../src/runtime/doctor.ts';
import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { eventually } from '../support/processes.ts';
import { testConfig } from '../support/service.ts';
import { openStandby } from '../support/standby.ts';

const primary = await OwnPostgres.open();
const standby = await openStandby(primary);
const own = { max: 2, backoff: () => 0.1 };
const onPrimary = connect(primary.url, own);
const onStandby = connect(standby.url, own);
const options = { max: 4, idleTimeoutMs: 10_000, connectTimeoutMs: 5_000, prepare: true };
const pool = openPool({ ...options, url: primary.url, applicationName: 'reads test' });

beforeAll(async () => {
  await onPrimary`create table note (id int primary key)`;
});
afterAll(async () => {
  await Promise.all([pool.close(0), onPrimary.end({ timeout: 1 }), onStandby.end({ timeout: 1 })]);
  await standby.close();
  await primary.close();
});

const started: ReadRouter[] = [];
afterEach(async () => {
  for (const reads of started.splice(0)) await reads.stop();
});

interface Line {
  msg: string;
  fault?: string;
}

/** A router as the API has it, and the events that it emits. */
async function startReads(url: string | null = standby.url, { isThere = url === standby.url } = {}) {
  const lines: Line[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Line);
  const events = new Events(createLogger({ level: 'info', process: 'test', human: false, write }));
  const replica: PoolOptions | undefined =
    url === null ? undefined : { ...options, url, applicationName: 'reads test replica' };
  const reads = new ReadRouter({ primary: pool.db, replica, events });
  started.push(reads);
  await reads.start();
  // The first check may come while the log ends inside a record, where no replica can catch up.
  if (isThere) await eventually(() => lines.some(({ msg }) => msg.endsWith('is used')), 30_000, 'the replica is used');
  const metric = async (name: string) => {
    const { body } = await events.metrics.text();
    return Number(new RegExp(`^pdfprompt_${name.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(body)?.[1]);
  };
  return { reads, lines, metric, faults: () => lines.flatMap(({ fault }) => fault ?? []) };
}

const whereAmI = async (db: Queryable) => {
  const [row] = await db.execute<{ is_standby: boolean }>(sql`select pg_is_in_recovery() as is_standby`);
  return row?.is_standby ? 'replica' : 'primary';
};

const used = ({ reads }: { reads: ReadRouter }) =>
  eventually(async () => (await reads.read(whereAmI)) === 'replica', 30_000, 'the replica is used');

/**
 * A read that does `there` if it is asked of the replica, and was: while the primary's position lies
 * within a record, a read goes to the primary, and is asked again here.
 * @returns where it was answered in the end
 */
async function readThere(reads: ReadRouter, there: (db: Queryable) => Promise<unknown>): Promise<string> {
  let wasThere = false;
  const query = async (db: Queryable) => {
    const where = await whereAmI(db);
    if (where === 'replica') {
      wasThere = true;
      await there(db);
    }
    return where;
  };
  for (let time = 0; time < 100; time++) {
    const where = await reads.read(query);
    if (wasThere) return where;
    await sleep(20);
  }
  throw new Error('the replica was never asked');
}

/** What the read answers, or how it failed, and how long that took. */
async function timed<T>(read: Promise<T>): Promise<{ answer: T; ms: number }> {
  const at = performance.now();
  return { answer: await read, ms: performance.now() - at };
}

describe('a read', () => {
  it('goes to the primary without a replica, and nothing is counted or logged', async () => {
    const { reads, lines, metric } = await startReads(null);
    expect(await reads.read(whereAmI)).toBe('primary');
    expect(lines).toEqual([]);
    expect(await metric('replica_healthy')).toBeNaN();
  });

  it('goes to the replica, and shows there what was just written', async () => {
    const { reads, lines, metric } = await startReads();
    expect(lines.map(({ msg }) => msg)).toEqual(['the read replica is used']);
    for (let id = 0; id < 200; id++) {
      await onPrimary`insert into note values (${id})`;
      const [row] = await reads.read((db) => db.execute<{ last: number }>(sql`select max(id) as last from note`));
      expect(row?.last).toBe(id);
    }
    expect(await metric('replica_reads_total{where="replica"}')).toBeGreaterThanOrEqual(180);
    expect(await metric('replica_healthy')).toBe(1);
  });

  it('does not wait for what nobody has committed, and the replica is kept', async () => {
    const { reads, faults, metric } = await startReads();
    let isOver = false;
    const bulk = onPrimary.begin(async (tx) => {
      for (let from = 10_000; !isOver; from += 500) {
        await tx`insert into note select generate_series(${from}::int, ${from + 300}::int)`;
        await sleep(Math.random() * 100);
      }
      await tx`delete from note where id >= 10000`;
    });
    const took: number[] = [];
    for (let until = performance.now() + 3_000; performance.now() < until; await sleep(10))
      took.push((await timed(reads.read(whereAmI))).ms);
    isOver = true;
    await bulk;
    expect(faults()).toEqual([]);
    expect(took.filter((ms) => ms > 50).length).toBeLessThan(took.length / 10);
    expect(await metric('replica_reads_total{where="replica"}')).toBeGreaterThan(0);
  });

  it("fails with the caller's own error, and the replica is kept", async () => {
    const { reads, faults } = await startReads();
    const mine = new CodedError('not_found', 'there is no such note');
    let times = 0;
    const failing = reads.read(async () => {
      times++;
      throw mine;
    });
    await expect(failing).rejects.toBe(mine);
    expect(times).toBe(1);
    expect(await reads.read(whereAmI)).toBe('replica');
    expect(faults()).toEqual([]);
  });

  it('that is wrong fails as it does on the primary, and the replica is kept', async () => {
    const { reads, faults } = await startReads();
    await expect(reads.read((db) => db.execute(sql`select nonsense`))).rejects.toMatchObject({
      cause: { code: '42703' },
    });
    expect(await reads.read(whereAmI)).toBe('replica');
    expect(faults()).toEqual([]);
  });

  it('that only the replica refuses is answered by the primary, and the replica is left', async () => {
    const { reads, faults, lines } = await startReads();
    expect(await readThere(reads, async (db) => db.execute(sql`select nonsense`))).toBe('primary');
    expect(faults()).toEqual(['failed']);
    await used({ reads });
    expect(lines.at(-1)?.msg).toBe('the read replica is used');
  });

  it('that is in the way of the replay is answered by the primary, and the replica is kept', async () => {
    const { reads, faults } = await startReads();
    await onPrimary`insert into note select generate_series(-100, -1)`;
    await onStandby`alter system set max_standby_streaming_delay = 0`;
    await onStandby`select pg_reload_conf()`;
    const errors: unknown[] = [];
    const reading = readThere(reads, async (db) =>
      Promise.resolve(db.execute(sql`select pg_sleep(0.9), count(*) from note`)).catch((error: unknown) => {
        errors.push(error);
        throw error;
      }),
    );
    await eventually(
      async () => (await onStandby`select 1 from pg_stat_activity where query like 'select pg_sleep(0.9)%'`).length > 0,
      30_000,
      'it reads',
    );
    await onPrimary`delete from note where id < 0`;
    await onPrimary`vacuum note`;
    expect(await reading).toBe('primary');
    expect(errors).toMatchObject([{ cause: { code: '40001' } }]);
    const again = await reads.read(whereAmI);
    expect(faults()).toEqual([]);
    expect(again).toBe('replica');
    await onStandby`alter system reset max_standby_streaming_delay`;
    await onStandby`select pg_reload_conf()`;
  });

  it('that takes longer than a second is answered by the primary, and leaves no query behind', async () => {
    const { reads, faults } = await startReads();
    const { answer, ms } = await timed(readThere(reads, async (db) => db.execute(sql`select pg_sleep(30)`)));
    expect(answer).toBe('primary');
    expect(ms).toBeLessThan(15_000);
    expect(faults()).toEqual(['failed']);
    await eventually(
      async () =>
        (await onStandby`select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()`)
          .length === 0,
      30_000,
      'the query has ended',
    );
  });

  it('is not sent back in time by a replica that comes back behind where it was', async () => {
    const seen = new Standby({ ...options, url: standby.url, applicationName: 'reads test replica' });
    await onPrimary`checkpoint`;
    expect(await seen.catchUp(await positionOf(pool.db), 5_000)).toBeUndefined();
    await onStandby`checkpoint`; // from here it goes on after a crash
    await onStandby`alter system set recovery_min_apply_delay = '1h'`; // and not farther, from its next start on
    await onPrimary`insert into note values (1000)`;
    const needed = await positionOf(pool.db);
    expect(await seen.catchUp(needed, 5_000)).toBeUndefined();
    const { reads } = await startReads();
    const last = async (db: Queryable) =>
      (await db.execute<{ last: number }>(sql`select max(id) as last from note`))[0]?.last;
    expect(await reads.read(last)).toBe(1000);

    await standby.stop('immediate');
    await standby.start();
    const [behind] = await onStandby`select max(id) as last from note`;
    expect(behind?.last).toBeLessThan(1000); // or this test proves nothing
    expect(await seen.catchUp(needed, 0)).toBeUndefined(); // as far as it knows
    expect(await seen.read(needed, last)).toEqual({ fault: 'behind' });
    for (let time = 0; time < 50; time++) expect(await reads.read(last)).toBe(1000);
    await seen.close();
    await onStandby`alter system reset recovery_min_apply_delay`;
    await onStandby`select pg_reload_conf()`;
    await used({ reads });
  });
});

/** Milliseconds of the quickest of some reads. */
async function quickest(reads: ReadRouter): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 5; count++) times.push((await timed(reads.read(whereAmI))).ms);
  return Math.min(...times);
}

describe('a replica', () => {
  it('whose replay is paused is left within the time to catch up; its lag grows, and it is used again', async () => {
    const { reads, faults, metric } = await startReads();
    await onStandby`select pg_wal_replay_pause()`;
    await eventually(
      async () => (await onStandby`select pg_get_wal_replay_pause_state() as state`)[0]?.state === 'paused',
      30_000,
      'the replay is paused',
    );
    await onPrimary`insert into note values (2000)`;
    const first = await timed(reads.read(whereAmI));
    expect(first.answer).toBe('primary');
    expect(faults()).toEqual(['behind']);
    expect(await quickest(reads)).toBeLessThan(first.ms); // nobody waits for it again
    await sleep(2_500);
    expect(await metric('replica_lag_seconds')).toBeGreaterThan(1);
    expect(await metric('replica_healthy')).toBe(0);
    await onStandby`select pg_wal_replay_resume()`;
    await used({ reads });
    expect(await metric('replica_lag_seconds')).toBe(0);
  });

  it('that hangs is left within its timeout, by all who wait for it, and is used again', async () => {
    const { reads, faults } = await startReads();
    await Promise.all(Array.from({ length: 20 }, () => reads.read(whereAmI)));
    const rows = await onStandby<{ pid: number }[]>`
      select pid from pg_stat_activity where application_name like 'reads test%'`;
    const pids = [await standby.pid(), ...rows.map(({ pid }) => pid)];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      const answers = await Promise.all(Array.from({ length: 20 }, () => timed(reads.read(whereAmI))));
      for (const { answer, ms } of answers) {
        expect(answer).toBe('primary');
        expect(ms).toBeLessThan(15_000);
      }
      expect(faults()[0]).toMatch(/failed|behind/);
      expect(await quickest(reads)).toBeLessThan(Math.min(...answers.map(({ ms }) => ms)));
      await sleep(1_500); // the monitor finds it so too
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    await used({ reads });
  });

  it('that is unavailable at the start does not keep the process from starting, and is used once it is available', async () => {
    await standby.stop('fast');
    const { answer: started, ms } = await timed(startReads(standby.url, { isThere: false }));
    expect(ms).toBeLessThan(15_000);
    expect(started.faults()).toEqual(['failed']);
    expect(await started.reads.read(whereAmI)).toBe('primary');
    await standby.start();
    await used(started);
  });

  it('that is the primary itself is not used', async () => {
    const { reads, faults } = await startReads(primary.url);
    expect(await reads.read(whereAmI)).toBe('primary');
    expect(faults()).toEqual(['no standby']);
  });

  it('of another database is not used', async () => {
    const { reads, faults } = await startReads(inject('templateUrl'));
    expect(await reads.read(whereAmI)).toBe('primary');
    expect(faults()).toEqual(['another database']);
  });
});

describe('pdfprompt doctor', () => {
  const check = async (url: string) => {
    const config = testConfig({ DATABASE_URL: primary.url, DATABASE_READ_REPLICA_URL: url });
    return (await examine(config, () => undefined)).find(({ name }) => name === 'read replica');
  };

  it('says how the read replica is, and what to do about it', async () => {
    expect(await check(standby.url)).toMatchObject({ status: 'ok' });
    expect(await check(primary.url)).toMatchObject({ status: 'warn', message: expect.stringContaining('no standby') });
    expect(await check('postgres://pdfprompt@127.0.0.1:1/pdfprompt')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('ECONNREFUSED'),
      fix: expect.stringContaining('DATABASE_READ_REPLICA_URL'),
    });
  });
});

describe('a replica that is promoted', () => {
  it('is left', async () => {
    const { reads, faults } = await startReads();
    await onStandby`select pg_promote()`;
    await eventually(() => faults().includes('no standby'), 30_000, 'it is left');
    expect(await reads.read(whereAmI)).toBe('primary');
  });
});
