/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/db/driver.ts';
import { isFinal, type Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { openTestPool } from '../support/database.ts';
import { eventually } from '../support/processes.ts';

const server = await OwnPostgres.open('-c max_connections=60');
const sql = connect(server.url, { max: 2, backoff: () => 0.1 });
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.close();
});

const env = { DATABASE_URL: server.url, LOG_LEVEL: 'warn', DATABASE_MAX_CONNECTIONS: '8' };
let api: Cli;
let workers: Cli[];
let address = '';
let headers: Record<string, string> = {};
const TENANTS = 20;
const tenants: string[] = [];
let key = '';

beforeAll(async () => {
  const pool = openTestPool(server.url);
  for (let tenant = 0; tenant < TENANTS; tenant++)
    tenants.push((await createUnlimitedKey(pool.db, `tenant${tenant}@example.com`)).key);
  [key = ''] = tenants;
  await pool.close();
  headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  api = pdfprompt(['serve', '--port', '0'], { env });
  workers = [pdfprompt(['work', '--concurrency', '2'], { env }), pdfprompt(['work', '--concurrency', '2'], { env })];
  [, address = ''] = await api.until(/serves at (http:\S+)/);
  for (const worker of workers) await worker.until(/pdfprompt works/);
});

const get = (path: string) => fetch(`${address}${path}`, { headers });

/** Clients that submit without pause; what was acknowledged, and how everything was answered. */
function load(body: object, { pauseMs = 50, slots = 2, keys = [key] } = {}) {
  const acknowledged: string[] = [];
  const answers: { status: number; at: number; ms: number; retryAfter: string | null }[] = [];
  let isOver = false;
  const slot = async (number: number) => {
    const its = { ...headers, authorization: `Bearer ${keys[number % keys.length]}` };
    while (!isOver) {
      const at = performance.now();
      const response = await fetch(`${address}/v1/jobs`, { method: 'POST', headers: its, body: JSON.stringify(body) });
      const job = (await response.json()) as Job;
      if (response.status === 202) acknowledged.push(job.id);
      answers.push({
        status: response.status,
        at,
        ms: performance.now() - at,
        retryAfter: response.headers.get('retry-after'),
      });
      await sleep(pauseMs);
    }
  };
  const running = Promise.all(Array.from({ length: slots }, (_, number) => slot(number)));
  return {
    acknowledged,
    answers,
    end: async () => {
      isOver = true;
      await running;
    },
  };
}

interface Ended {
  status: string;
  files: number;
  attempts: { outcome: string | null; reason: string | null }[];
}

/** A claim whose answer was lost with the connection: the worker did not know of the job, and rendered nothing. */
const wasNotBegun = ({ outcome, reason }: { outcome: string | null; reason: string | null }) =>
  outcome === 'interrupted' && reason === 'left over';

/** @param isOnce nothing was rendered twice */
async function expectAllDone(ids: string[], { isOnce = false } = {}): Promise<void> {
  const open = async () =>
    (await sql<{ status: Job['status'] }[]>`select status from pdfprompt_job where id in ${sql(ids)}`).filter(
      ({ status }) => !isFinal(status),
    );
  await eventually(async () => (await open()).length === 0, 40_000, 'every acknowledged job has ended');
  const rows = await sql<Ended[]>`
    select status, (select count(*)::int from pdfprompt_file f where f.job_id = j.id) as files,
      (select json_agg(json_build_object('outcome', a.outcome, 'reason', a.reason) order by a.run)
        from pdfprompt_job_attempt a where a.job_id = j.id) as attempts
    from pdfprompt_job j where id in ${sql(ids)}`;
  expect(rows).toHaveLength(ids.length);
  const once = { rendered: [{ outcome: 'done', reason: null }] };
  for (const { status, files, attempts } of rows) {
    const rendered = attempts.filter((attempt) => !wasNotBegun(attempt));
    expect({ status, files, rendered }).toMatchObject({ status: 'completed', files: 1, ...(isOnce && once) });
  }
  const [usage] = await sql`
    select coalesce(sum(completed), 0)::int as charged,
      (select count(*)::int from pdfprompt_job where status = 'completed') as completed from pdfprompt_usage_history`;
  expect(usage?.charged).toBe(usage?.completed);
  for (const { child } of [api, ...workers]) expect([child.exitCode, child.signalCode]).toEqual([null, null]);
}

const only503 = (answers: { status: number; retryAfter: string | null }[]) => {
  for (const { status, retryAfter } of answers) {
    expect([202, 503]).toContain(status);
    if (status === 503) expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
  }
  return answers.filter(({ status }) => status === 503).length;
};

describe('Postgres', () => {
  it('stopped at once for 5 s under load: nobody ends, nothing is lost, nothing is rendered twice', async () => {
    const { acknowledged, answers, end } = load({ html: '<p>x</p>', waitForTimeout: 500 }, { pauseMs: 300 });
    await sleep(2_000);
    await server.stop('immediate');
    const stoppedAt = performance.now();
    expect((await get('/livez')).status).toBe(200);
    await eventually(async () => (await get('/readyz')).status === 503, 30_000, '/readyz says so');
    await sleep(5_000 - (performance.now() - stoppedAt));
    const during = answers.filter(({ at }) => at > stoppedAt);
    expect(during.length).toBeGreaterThan(3);
    expect(only503(during)).toBe(during.length);
    // Nobody waits for what is away: half of them are answered sooner than any timeout.
    const times = during.map(({ ms }) => ms).toSorted((a, b) => a - b);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(3_000);

    await server.start();
    const accepted = () => answers.find(({ status, at }) => status === 202 && at > stoppedAt);
    await eventually(() => accepted() !== undefined, 30_000, 'a job is accepted again');
    await eventually(async () => (await get('/readyz')).status === 200, 30_000, '/readyz says so');
    await eventually(
      async () =>
        (await sql`select 1 from pdfprompt_job_attempt where started_at > pg_postmaster_start_time()`).length > 0,
      30_000,
      'a job is started again',
    );
    await sleep(1_000);
    await end();
    only503(answers);
    await expectAllDone(acknowledged, { isOnce: true });
  });

  it('loses a hundred backends in transactions: nobody ends, nothing is lost', async () => {
    const { acknowledged, answers, end } = load({ html: '<p>x</p>' }, { pauseMs: 0, slots: 10 });
    for (let killed = 0, until = performance.now() + 60_000; killed < 100; await sleep(1)) {
      expect(performance.now()).toBeLessThan(until);
      const rows = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'pdfprompt%' and xact_start is not null and pid <> pg_backend_pid()`;
      killed += rows.length;
    }
    await end();
    only503(answers);
    await expectAllDone(acknowledged);
  });

  it('read-only after a failover: 503, and work goes on when it can be written', async () => {
    await sql`alter system set default_transaction_read_only = on`;
    await sql`select pg_reload_conf()`;
    const post = () => fetch(`${address}/v1/jobs`, { method: 'POST', headers, body: '{"html":"<p>x</p>"}' });
    await eventually(async () => (await post()).status === 503, 30_000, 'it is refused');
    const refused = await post();
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'unavailable' });
    await eventually(async () => (await get('/readyz')).status === 503, 30_000, '/readyz says so');
    expect(await (await get('/readyz')).json()).toMatchObject({ detail: 'the database is read-only' });
    await sql`alter system reset default_transaction_read_only`;
    await sql`select pg_reload_conf()`;
    const ids: string[] = [];
    await eventually(
      async () => {
        const response = await post();
        if (response.status === 202) ids.push(((await response.json()) as Job).id);
        return ids.length > 0;
      },
      30_000,
      'it is accepted again',
    );
    await expectAllDone(ids);
  });

  it('has no connection left: 503, and work goes on when there is one', async () => {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pdfprompt serve'`;
    const hogs: ReturnType<typeof connect>[] = [];
    for (;;) {
      const hog = connect(server.url, { max: 1, idle_timeout: 0 });
      hogs.push(hog);
      const isIn = await hog`select 1`.then(
        () => true,
        () => false,
      );
      if (!isIn) break;
    }
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pdfprompt serve'`;
    const { acknowledged, answers, end } = load({ html: '<p>x</p>' });
    await sleep(1_500);
    expect((await get('/livez')).status).toBe(200);
    await Promise.all(hogs.map((hog) => hog.end({ timeout: 1 })));
    await eventually(() => answers.at(-1)?.status === 202, 30_000, 'it goes on');
    await end();
    only503(answers);
    await expectAllDone(acknowledged);
  });

  it('makes everybody wait for a lock: 503 after 5 s for those who had no connection, and then it goes on', async () => {
    const held = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const lock = sql.begin(async (tx) => {
      await tx`lock table pdfprompt_job in access exclusive mode`;
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    // Of many tenants: the requests of one wait for its own.
    const { acknowledged, answers, end } = load({ html: '<p>x</p>' }, { pauseMs: 0, slots: TENANTS, keys: tenants });
    await sleep(6_500);
    const refused = answers.length;
    expect(refused).toBeGreaterThan(0);
    expect((await get('/livez')).status).toBe(200);
    held.resolve();
    await lock;
    await eventually(() => answers.slice(refused).some(({ status }) => status === 202), 30_000, 'it goes on');
    await end();
    only503(answers);
    await expectAllDone(acknowledged);
  });
});
