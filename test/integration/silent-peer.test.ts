import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { isDatabaseUnavailable, openPool, type Pool, type PoolOptions } from '../../src/db/pools.ts';
import { createDatabase } from '../support/database.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const FIRST_BYTE_MS = 500;
const ANSWER_MS = 2_000;
const CONNECT_MS = 1_000;
/** Milliseconds more than any limit here: a machine may be busy. Nothing here would end by itself within minutes. */
const SLACK_MS = 10_000;

const database = await createDatabase();

async function behindProxy(options: Partial<PoolOptions> = {}): Promise<{ pool: Pool; proxy: TcpProxy }> {
  const url = new URL(database.url);
  const proxy = await TcpProxy.open(Number(url.port));
  url.port = String(proxy.port);
  const pool = openPool({
    url: url.href,
    max: 2,
    applicationName: 'silent peer',
    idleTimeoutMs: 60_000,
    connectTimeoutMs: CONNECT_MS,
    prepare: true,
    heartbeat: { firstByteMs: FIRST_BYTE_MS, answerMs: ANSWER_MS },
    ...options,
  });
  afterAll(async () => {
    proxy.resume();
    await pool.close(0);
    await proxy.close();
  });
  return { pool, proxy };
}

const sleepThere = (pool: Pool, ms: number) => pool.db.execute(sql`select ${ms}::int as ms, pg_sleep(${ms / 1000})`);

/** How long it took to fail as something that may work again; no number if it did not. */
async function failing(work: PromiseLike<unknown>): Promise<number | string> {
  const startedAt = performance.now();
  try {
    await work;
    return 'it did not fail';
  } catch (error) {
    return isDatabaseUnavailable(error) ? performance.now() - startedAt : String(error);
  }
}

describe('a pool whose peer falls silent', () => {
  it('gives up the connection that is silent, and not the one beside it whose statement is slow', async () => {
    const { pool, proxy } = await behindProxy();
    await pool.db.execute(sql`select 1`);
    proxy.strand();
    const silent = failing(pool.db.execute(sql`select 1`)); // on the connection that is there
    const slow = sleepThere(pool, 3 * FIRST_BYTE_MS); // on a new one
    expect(await silent).toBeLessThan(FIRST_BYTE_MS + SLACK_MS);
    expect(await pool.db.execute(sql`select 1 as one`)).toEqual([{ one: 1 }]);
    expect(await slow).toMatchObject([{ ms: 3 * FIRST_BYTE_MS }]);
  });

  it('frees every place: waiting statements fail, and the next ones get new connections', async () => {
    const { pool, proxy } = await behindProxy({ max: 4 });
    await Promise.all(Array.from({ length: 4 }, () => sleepThere(pool, 100)));
    proxy.strand();
    const lost = await Promise.all(Array.from({ length: 12 }, () => failing(pool.db.execute(sql`select 1`))));
    // Those behind the first four got their places, and new connections with them.
    expect(lost.filter((each) => each === 'it did not fail')).toHaveLength(8);
    expect(pool.state().active).toBe(0);
  });

  it('gives up those that nobody uses with the first that is found silent', async () => {
    const { pool, proxy } = await behindProxy({ max: 6 });
    await Promise.all(Array.from({ length: 6 }, () => sleepThere(pool, 100)));
    proxy.strand();
    // One after the other: each would find the next of them.
    const lost: (number | string)[] = [];
    for (let count = 0; count < 6; count++) lost.push(await failing(pool.db.execute(sql`select 1`)));
    expect(lost.filter((each) => each !== 'it did not fail')).toHaveLength(1);
  });

  it('waits longer for an answer once the first byte came, but not for ever', async () => {
    const { pool, proxy } = await behindProxy();
    await pool.db.execute(sql`select 1`);
    const slow = failing(sleepThere(pool, 60_000));
    await sleep(FIRST_BYTE_MS / 2);
    proxy.strand();
    const ms = await slow;
    expect(ms).toBeGreaterThan(ANSWER_MS / 2);
    expect(ms).toBeLessThan(ANSWER_MS + SLACK_MS);
  });

  it('asks nothing of a pooler, where statements stand in line, and still does not wait for ever', async () => {
    const { pool, proxy } = await behindProxy({ prepare: false, heartbeat: { answerMs: ANSWER_MS } });
    await pool.db.execute(sql`select 1`);
    proxy.strand();
    const ms = await failing(pool.db.execute(sql`select 1`));
    expect(ms).toBeGreaterThan(ANSWER_MS / 2);
    expect(ms).toBeLessThan(ANSWER_MS + SLACK_MS);
  });

  it('ends a transaction as a whole', async () => {
    const { pool, proxy } = await behindProxy();
    await database.sql`create table whole (half int)`;
    const transaction = pool.db.transaction(async (tx) => {
      await tx.execute(sql`insert into whole values (1)`);
      proxy.strand();
      await tx.execute(sql`insert into whole values (2)`);
    });
    expect(await failing(transaction)).toBeLessThan(FIRST_BYTE_MS + SLACK_MS);
    expect(await pool.db.execute(sql`select * from whole`)).toEqual([]);
  });

  it('does not take a standstill of its own for silence of the database', async () => {
    const { pool } = await behindProxy();
    for (let time = 0; time < 3; time++) {
      const answer = Promise.resolve(pool.db.execute(sql`select 1 as one`));
      await sleep(0); // it is sent
      const until = performance.now() + 2 * FIRST_BYTE_MS;
      while (performance.now() < until);
      expect(await answer).toEqual([{ one: 1 }]);
    }
  });

  it.each([
    ['idle', 60_000],
    ['busy', 500],
    ['opening', 500],
  ])('closes connections that are %s, with what waits for them, within %i ms', async (state, limitMs) => {
    const { pool, proxy } = await behindProxy({ heartbeat: { answerMs: 60_000 }, connectTimeoutMs: 60_000 });
    if (state !== 'opening') await pool.db.execute(sql`select 1`);
    proxy.silence();
    const waiting = state === 'idle' ? undefined : failing(pool.db.execute(sql`select 1`));
    await sleep(100);
    const startedAt = performance.now();
    await pool.close(limitMs);
    if (waiting) expect(await waiting).toBeLessThan(SLACK_MS);
    expect(performance.now() - startedAt).toBeLessThan(SLACK_MS);
  });
});

/** What may stand at an address where Postgres was: each has its way to let a client wait. */
const PEERS: Record<string, (socket: Socket) => void> = {
  'closes at once': (socket) => socket.end(),
  'closes after the first message': (socket) => void socket.once('data', () => socket.end()),
  'resets at once': (socket) => void socket.resetAndDestroy(),
  'says nothing': () => undefined,
  'asks for a password and says no more': (socket) =>
    void socket.once('data', () => socket.write(Buffer.from([0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4]))),
  'agrees to TLS and says no more': (socket) => void socket.once('data', () => socket.write('S')),
};

it('gives up whatever it connects to within the time to connect, and does not keep knocking', async () => {
  const ways = Object.keys(PEERS).flatMap((peer) => ['', '?sslmode=require'].map((tls) => ({ peer, tls })));
  await Promise.all(
    ways.map(async ({ peer, tls }) => {
      let connections = 0;
      const server = createServer((socket) => {
        connections++;
        socket.on('error', () => undefined);
        PEERS[peer]?.(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const hosts = `127.0.0.1:${port},127.0.0.1:${port}`;
      const { pool } = await behindProxy({ url: `postgres://ann:secret@${hosts}/x${tls}` });
      const ms = await failing(pool.db.execute(sql`select 1`));
      expect([peer, tls, ms, connections]).toEqual([
        peer,
        tls,
        expect.any(Number),
        expect.toSatisfy((count) => count <= 2),
      ]);
      expect(ms).toBeLessThan(CONNECT_MS + SLACK_MS);
      await pool.close(0);
      server.close();
    }),
  );
});
