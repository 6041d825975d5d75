/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createUnlimitedKey } from '../support/accounts.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { undoLater } from '../support/clean-up.ts';
import { createDatabase, openTestPool, type TestDatabase } from '../support/database.ts';
import { startService } from '../support/service.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** Seconds of silence; 60 and more to see that it makes no difference. */
const SILENCE_S = Number(process.env.TEST_SILENCE_SECONDS ?? 20);
/** Milliseconds in which a stop, or an answer, is said to have come at all. Without deadlines neither does within minutes. */
const WIDE_MS = 30_000;

interface Behind extends TestDatabase {
  proxy: TcpProxy;
  headers: Record<string, string>;
}

/** A database behind a proxy, with a key. */
async function behindProxy(): Promise<Behind> {
  const { url, sql } = await createDatabase();
  const pool = openTestPool(url);
  const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
  await pool.close();
  const through = new URL(url);
  const proxy = await TcpProxy.open(Number(through.port));
  undoLater(() => proxy.close());
  through.port = String(proxy.port);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return { url: through.href, sql, proxy, headers };
}

const BEGUN = { serve: /serves at (http:\S+)/, work: /pdfprompt works/, up: /console: (http:\S+?)\/?(console)?\s/ };

function start(command: keyof typeof BEGUN, url: string, env: Record<string, string> = {}): Cli {
  return pdfprompt([command, ...(command === 'work' ? [] : ['--port', '0'])], {
    env: { DATABASE_URL: url, LOG_LEVEL: 'warn', ...env },
  });
}

interface Answer {
  status: number;
  retryAfter: number;
  ms: number;
}

async function submit(address: string, headers: Record<string, string>): Promise<Answer> {
  const startedAt = performance.now();
  const response = await fetch(`${address}/v1/jobs`, { method: 'POST', headers, body: '{"html":"<p>x</p>"}' });
  await response.text();
  const { status } = response;
  return { status, retryAfter: Number(response.headers.get('retry-after')), ms: performance.now() - startedAt };
}

describe.each(['silence', 'strand'] as const)('a database that falls silent (%s)', (fault) => {
  it('is answered for with 503 in time, and work goes on within seconds', async () => {
    const { url, sql, proxy, headers } = await behindProxy();
    const api = start('serve', url);
    const [, address = ''] = await api.until(BEGUN.serve);
    const worker = start('work', url);
    await worker.until(BEGUN.work);
    await Promise.all(Array.from({ length: 10 }, () => submit(address, headers)));

    proxy[fault]();
    const answers: Promise<Answer>[] = [];
    const silentAt = performance.now();
    while (performance.now() - silentAt < SILENCE_S * 1_000) {
      answers.push(submit(address, headers), submit(address, headers));
      await sleep(500);
    }
    if (fault === 'silence') proxy.resume();
    const resumedAt = performance.now();
    while ((await submit(address, headers)).status !== 202) await sleep(100);
    expect(performance.now() - resumedAt).toBeLessThan(10_000);

    const all = await Promise.all(answers);
    for (const { status, retryAfter, ms } of all) {
      expect(ms).toBeLessThan(WIDE_MS);
      if (status !== 202) expect([status, retryAfter]).toEqual([503, 1]);
    }
    expect(all.filter(({ status }) => status === 503).length).toBeGreaterThan(0);
    if (fault === 'strand') expect(all.at(-1)?.status).toBe(202); // new connections were to be had all the time
    // Nothing that was accepted is lost, and the worker is as well as before.
    const open = async () => (await sql`select 1 from pdfprompt_job where status <> 'completed'`).length;
    for (const until = performance.now() + 60_000; (await open()) > 0 && performance.now() < until;) await sleep(200);
    expect(await open()).toBe(0);
    const [lost] = await sql`select count(*)::int as count from pdfprompt_worker where is_lost`;
    expect(lost).toEqual({ count: 0 });
  }, 240_000);
});

describe.each(['serve', 'work', 'up'] as const)('`pdfprompt %s` whose database is silent', (command) => {
  it.each([
    ['one signal', '5', 1],
    ['a second signal, which ends a long grace', '60', 2],
  ])(
    'ends by %s',
    async (_, grace, signals) => {
      const { url, proxy, headers } = await behindProxy();
      const process_ = start(command, url, { SHUTDOWN_GRACE: grace });
      const [, address] = await process_.until(BEGUN[command]);
      if (address !== undefined) await submit(address, headers);
      proxy.silence();
      const asked = address === undefined ? [] : [submit(address, headers).catch(() => undefined)];
      await sleep(3_000); // by now everything in it waits for an answer
      const startedAt = performance.now();
      for (let count = 0; count < signals; count++) {
        process_.child.kill('SIGTERM');
        await sleep(1_000);
      }
      expect(await process_.exited).toMatchObject({ code: 0, signal: null });
      expect(performance.now() - startedAt).toBeLessThan(WIDE_MS);
      await Promise.all(asked);
    },
    90_000,
  );
});

describe('a process whose database is silent', () => {
  it('stops each of its services, and closes its connections, in a moment', async () => {
    const { url, sql, proxy } = await behindProxy();
    const env = { DATABASE_CONNECT_TIMEOUT: '2', DATABASE_READ_REPLICA_URL: url, SHUTDOWN_GRACE: '20' };
    const service = await startService({ database: { url, sql }, worker: true, env });
    const post = async () =>
      (await service.request('/v1/jobs', { method: 'POST', body: '{"html":"<p>x</p>"}' })).status;
    expect(await post()).toBe(202); // so that the use of a key is to be written down
    proxy.silence();
    const answers = Promise.all(Array.from({ length: 5 }, post));
    await sleep(3_000); // by now each waits for an answer, or is about to ask
    const slow: [string, number][] = [];
    const timed = async (name: string, work: () => Promise<void>) => {
      const startedAt = performance.now();
      await work();
      const ms = performance.now() - startedAt;
      if (ms > 15_000) slow.push([name, ms]);
    };
    const { services, base } = service;
    for (const each of services.toReversed()) await timed(each.constructor.name, () => each.stop());
    await timed('the pools', () => base.release());
    expect(slow).toEqual([]);
    expect(services.length).toBeGreaterThan(10);
    expect(await answers).toEqual(Array.from({ length: 5 }, () => 503));
    proxy.resume();
  }, 120_000);
});
