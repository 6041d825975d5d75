/** @module-tag long */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboard } from '../../grafana/dashboard.ts';
import { createKey } from '../../src/accounts/keys.ts';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { pdfprompt } from '../support/cli.ts';
import { openTestPool } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { program, Prometheus, readRules } from '../support/prometheus.ts';
import { openStandby } from '../support/standby.ts';

const LOAD_MS = 25_000;

const primary = await OwnPostgres.open('-c max_connections=60');
const standby = await openStandby(primary);
afterAll(async () => {
  await standby.close();
  await primary.close();
});

const pool = openTestPool(primary.url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
const { key: limited } = await createKey(pool.db, { email: 'bob@example.com', tier: 'starter' });
await pool.close();

const [apiOps, workOps] = [await freePort(), await freePort()];
const env = { DATABASE_URL: primary.url, LOG_LEVEL: 'error', SHUTDOWN_GRACE: '2' };
const api = pdfprompt(['serve', '--port', '0'], {
  env: { ...env, DATABASE_READ_REPLICA_URL: standby.url, OPS_PORT: String(apiOps) },
});
const worker = pdfprompt(['work', '--concurrency', '2'], { env: { ...env, OPS_PORT: String(workOps) } });
const [, address = ''] = await api.until(/serves at (http:\S+)/, 180_000);
await worker.until(/pdfprompt works/, 180_000);

const ask = (path: string, body?: object, { by = key, method = body ? 'POST' : 'GET' } = {}) =>
  fetch(`${address}${path}`, {
    method,
    headers: { authorization: `Bearer ${by}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
const submit = async (body: object) => ((await (await ask('/v1/jobs', body)).json()) as Job).id;

/** A bit of everything that users do, again and again. */
async function useIt(until: number): Promise<void> {
  while (performance.now() < until) {
    const waiting = await submit({ html: '<p>one</p>' });
    await submit({ html: '<img src="http://127.0.0.1:8080/">' }); // a way out that is refused
    await submit({ html: '<p>wrong</p>', options: { pageRanges: '7' } });
    const unwanted = await submit({ html: '<p>slow</p>', waitForTimeout: 2_000 });
    await ask(`/v1/jobs/${waiting}?wait=10`);
    await ask(`/v1/jobs/${unwanted}`, undefined, { method: 'DELETE' });
    for (let time = 0; time < 2; time++) await ask('/v1/jobs', { html: '<p>bob</p>' }, { by: limited });
    await (await ask('/v1/pdf', { html: '<p>at once</p>' })).arrayBuffer();
    await ask('/v1/jobs?limit=5');
    await ask('/v1/usage');
    await sleep(200);
  }
}

/** @returns what promtool finds fault with */
async function lint(text: string): Promise<string> {
  const child = spawn(program('promtool'), ['check', 'metrics'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  child.stdin.end(text);
  await new Promise((done) => child.once('close', done));
  return said;
}

/** Without what decides whether an alert fires, or whether anything is wrong: what is left has to be there always. */
const leftSide = (query: string) =>
  query
    .replaceAll(/\s(>=|<=|==|>|<) [\d.]+( \* [\d.]+)?/g, '')
    .replaceAll('status=~"5.."', '')
    .replaceAll('absent_over_time(', 'present_over_time(')
    .replaceAll('absent(', '(');

const substituted = (expression: string) =>
  expression.replaceAll('$__rate_interval', '20s').replaceAll('$instance', '.*');

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

const { panels } = dashboard() as { panels: Panel[] };
const panelExpressions = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

describe('a Prometheus that asks a service under load', () => {
  let prometheus: Prometheus;

  beforeAll(async () => {
    const targets = [apiOps, workOps].map((port) => `127.0.0.1:${port}`);
    const rules = (await readRules()).replaceAll(/interval: \w+/g, 'interval: 1s').replaceAll(/ \* 30$/gm, ''); // which makes counts of rates that are computed every 30 s: here it is every second
    prometheus = await Prometheus.open({ targets, rules });
    await useIt(performance.now() + LOAD_MS);
  }, 240_000);
  afterAll(() => prometheus.close());

  /** What has no data, also after a while: what has just happened is not seen yet. */
  async function missing(expressions: (readonly [what: string, expression: string])[]): Promise<string[]> {
    let left = [...expressions];
    for (const until = performance.now() + 15_000; left.length > 0 && performance.now() < until; await sleep(500)) {
      const answers = await Promise.all(left.map(([, expression]) => prometheus.query(expression)));
      left = left.filter((_, index) => !answers[index]?.some(({ value }) => value[1] !== 'NaN'));
    }
    return left.map(([what, expression]) => `${what}: ${expression}`);
  }

  it('finds no fault with what it is told', async () => {
    for (const port of [apiOps, workOps]) {
      const said = await lint(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
      expect(said.split('\n').filter((line) => line.startsWith('pdfprompt_') || /error/i.test(line))).toEqual([]);
    }
  });

  it('has data for every expression of every panel', async () => {
    expect(await missing(panelExpressions.map(([title, expression]) => [title, substituted(expression)]))).toEqual([]);
    expect(panelExpressions.length).toBeGreaterThan(50);
  });

  it('has data for every rule, whether or not its alert fires', async () => {
    const rules = await prometheus.rules();
    expect(rules.filter(({ health, lastError }) => health !== 'ok' || lastError)).toEqual([]);
    expect(await missing(rules.map(({ name, query }) => [name, leftSide(query)]))).toEqual([]);
    expect(rules.length).toBeGreaterThan(30);
  });

  it('can read every query of the runbooks, and has data for it', async () => {
    const directory = new URL('../../docs/runbooks/', import.meta.url);
    const queries = readdirSync(directory).flatMap((page) =>
      [...readFileSync(new URL(page, directory), 'utf8').matchAll(/```promql\n([\s\S]*?)```/g)].map(
        ([, query = '']) => [page, leftSide(query)] as const,
      ),
    );
    expect(await missing(queries)).toEqual([]);
    expect(queries.length).toBeGreaterThan(15);
  });

  it('has no alert that fires but that documents fail, which they do', async () => {
    const firing = await prometheus.query('ALERTS{alertstate="firing"}');
    expect(firing.map(({ metric }) => metric['alertname']).filter((name) => name !== 'PdfpromptErrorRateHigh')).toEqual(
      [],
    );
  });
});
