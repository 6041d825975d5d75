import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createKey } from '../../src/accounts/keys.ts';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/processes.ts';
import { type Scrape, scrape } from '../support/scrape.ts';

/** What other dashboards may rely on, each with its labels. */
const PROMISED: Record<string, string[]> = {
  queue_depth: ['priority'],
  queue_oldest_seconds: [],
  jobs_scheduled: [],
  paused_jobs: [],
  pdf_generation_seconds: ['tier'],
  pdf_wait_seconds: ['tier'],
  pdf_turnaround_seconds: ['tier'],
  pdf_completed_total: ['tier'],
  pdf_failed_total: ['tier', 'reason'],
  browser_pool_size: [],
  browser_memory_bytes: [],
  browser_restarts_total: ['reason'],
  warm_pages: [],
  warm_page_requests_total: ['result'],
  memory_pressure_ratio: [],
  worker_slots: ['state'],
  db_connections_active: ['pool'],
  db_connections_max: ['pool'],
  db_query_duration_seconds: ['pool'],
  store_seconds: ['op', 'store'],
  api_requests_total: ['tier', 'route', 'status'],
  api_response_seconds: ['route'],
  cache_requests_total: ['cache', 'result'],
  rate_limited_total: ['tier', 'limit'],
  egress_denied_total: ['reason'],
  deliveries_total: ['result'],
  delivery_wait_seconds: [],
  schedule_runs_total: ['result'],
  deliveries: ['state'],
  delivery_oldest_ready_seconds: [],
};

async function startWith(database: string, command: string[], env: Record<string, string> = {}) {
  const port = await freePort();
  const settings = { DATABASE_URL: database, LOG_LEVEL: 'error', SHUTDOWN_GRACE: '1', OPS_PORT: String(port), ...env };
  const cli = pdfprompt(command, { env: settings });
  const [, address = ''] = await cli.until(/serves at (http:\S+)|pdfprompt works/, 180_000);
  return { cli, address, port };
}

async function submit(address: string, key: string, body: object): Promise<{ status: number; id: string }> {
  const response = await fetch(`${address}/v1/jobs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, id: ((await response.json()) as Job).id };
}

async function keysOf(url: string): Promise<{ ann: string; bob: string }> {
  const pool = openTestPool(url);
  const { key: ann } = await createUnlimitedKey(pool.db, 'ann@example.com');
  const { key: bob } = await createKey(pool.db, { email: 'bob@example.com', tier: 'starter' });
  await pool.close();
  return { ann, bob };
}

describe('the metrics of serve and work, after all kinds of documents', async () => {
  const { url, sql } = await createDatabase();
  const { ann, bob } = await keysOf(url);
  // No standby, so it is never used; its metrics are there.
  const api = await startWith(url, ['serve', '--port', '0'], { DATABASE_READ_REPLICA_URL: url });
  const worker = await startWith(url, ['work', '--concurrency', '2']);
  const { address } = api;

  for (let count = 0; count < 3; count++) await submit(address, ann, { html: `<p>${count}</p>` });
  await submit(address, ann, { html: '<p>x</p>', options: { pageRanges: '7' } });
  await submit(address, ann, { html: '<img src="http://127.0.0.1:8080/">' });
  for (let count = 0; count < 4; count++) await submit(address, bob, { html: '<p>bob</p>' });
  await fetch(`${address}/v1/jobs?limit=1`, { headers: { authorization: `Bearer ${ann}` } });
  await fetch(`${address}/v1/nothing/${crypto.randomUUID()}`);
  const isAtRest = async () =>
    (await sql`select 1 from pdfprompt_job where status in ('queued', 'processing')`).length === 0;
  await eventually(isAtRest, 120_000, 'every document has ended');
  const slow = await submit(address, ann, { html: '<p>slow</p>', waitForTimeout: 20_000 });
  const status = async () => (await sql`select status from pdfprompt_job where id = ${slow.id}`)[0]?.['status'];
  await eventually(async () => (await status()) === 'processing', 30_000, 'the slow one is rendered');
  const headers = { authorization: `Bearer ${ann}` };
  await fetch(`${address}/v1/jobs/${slow.id}`, { method: 'DELETE', headers });

  let scrapes: Scrape[] = [];
  const look = async () => (scrapes = [await scrape(api.port), await scrape(worker.port)]);
  const total = (name: string, labels: Record<string, string> = {}) =>
    scrapes.reduce((sum, each) => sum + (each.sum(`pdfprompt_${name}`, labels) ?? 0), 0);
  await eventually(
    async () => {
      await look();
      // a moment after the commit; and the queue is counted every 5 s
      return total('pdf_completed_total') === 6 && total('workers') === 1 && total('warm_pages') > 0;
    },
    60_000,
    'everything is counted',
  );
  const ours = () => scrapes.flatMap(({ series }) => series.filter(({ name }) => name.startsWith('pdfprompt_')));

  it('are all that is promised, with their labels', () => {
    for (const [name, labels] of Object.entries(PROMISED)) {
      const full = `pdfprompt_${name}`;
      const found = ours().filter((each) => each.name === full || each.name === `${full}_count`);
      expect({ name, found }).not.toEqual({ name, found: [] });
      for (const each of found) expect(Object.keys(each.labels)).toEqual(expect.arrayContaining(labels));
    }
  });

  it('are in docs/observability.md as they are', () => {
    const text = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `(pdfprompt_\w+)`\s+\| (\w+)\s+\| (.*?)\s+\| (.*?)\s+\|$/gm)];
    const written = rows.map(([, name, type, labels, help]) => ({ name, type, labels, help }));
    const families = new Map(scrapes.flatMap((each) => [...each.families]));
    const told = [...families]
      .filter(([name]) => name.startsWith('pdfprompt_'))
      .map(([name, { help, type }]) => {
        const its = ours().filter((each) => each.name === name || each.name === `${name}_count`);
        const labels = [...new Set(its.flatMap((each) => Object.keys(each.labels)))].map((label) => `\`${label}\``);
        const unseen = written.find((row) => row.name === name)?.labels; // nothing was counted, so it shows no labels
        return { name, type, labels: its.length === 0 ? unseen : labels.join(' '), help };
      });
    const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }) =>
      (a.name ?? '').localeCompare(b.name ?? '');
    expect(written.toSorted(byName)).toEqual(told.toSorted(byName));
  });

  it('have labels with a few known values: no ids, addresses or messages', () => {
    const values = new Map<string, Set<string>>();
    for (const { name, labels } of ours()) {
      for (const [label, value] of Object.entries(labels)) {
        if (label === 'le') continue;
        expect(value).toMatch(/^[\w .{}?/-]{1,64}$/);
        expect(value).not.toMatch(/[0-9a-f]{8}-|@|:\/\/|example/);
        const key = `${name} ${label}`;
        values.set(key, (values.get(key) ?? new Set()).add(value));
      }
    }
    expect([...values].filter(([, its]) => its.size >= 30)).toEqual([]);
    expect(total('api_requests_total', { route: 'GET unknown', status: '404' })).toBe(1);
  });

  it('agree with the database', async () => {
    const rows = await sql<{ tier: string; status: string; error_code: string | null; runs: number }[]>`
      select tier, status, error_code, runs from pdfprompt_job`;
    expect(rows).toHaveLength(8);
    const count = (of: Partial<(typeof rows)[number]>) =>
      rows.filter((row) => Object.entries(of).every(([name, value]) => row[name as keyof typeof row] === value)).length;
    for (const tier of ['unlimited', 'starter']) {
      expect(total('pdf_submitted_total', { tier })).toBe(count({ tier }));
      expect(total('pdf_completed_total', { tier })).toBe(count({ tier, status: 'completed' }));
      const failed = count({ tier, status: 'failed' });
      expect(total('pdf_failed_total', { tier })).toBe(failed);
      for (const { error_code } of rows.filter((row) => row.tier === tier && row.status === 'failed'))
        expect(total('pdf_failed_total', { tier, reason: error_code ?? '', fault: 'document' })).toBe(
          count({ tier, error_code }),
        );
      const ended = count({ tier, status: 'completed' }) + failed;
      for (const name of ['pdf_generation_seconds_count', 'pdf_turnaround_seconds_count'])
        expect([name, total(name, { tier })]).toEqual([name, ended]);
      expect(total('pdf_wait_seconds_count', { tier })).toBe(count({ tier }));
    }
    expect(total('pdf_cancelled_total')).toBe(count({ status: 'cancelled' }));
    expect(total('pdf_attempts_total')).toBe(rows.reduce((sum, { runs }) => sum + runs, 0));
    expect(total('rate_limited_total', { tier: 'starter', limit: 'minute' })).toBe(2);
    expect(total('egress_denied_total')).toBeGreaterThan(0);
    expect(total('worker_slots')).toBe(2);
  });

  it('have the counters of service faults before the first fault, so that it is an increase', () => {
    for (const reason of ['poison', 'browser_failed', 'internal'])
      for (const tier of ['starter', 'professional', 'enterprise', 'system', 'unlimited'])
        expect(scrapes[1]?.sum('pdfprompt_pdf_failed_total', { tier, reason, fault: 'service' })).toBe(0);
    expect(scrapes[1]?.sum('pdfprompt_workers_lost_total')).toBe(0);
  });

  it('say which Chromium renders, and how old it is', () => {
    const info = ours().find(({ name }) => name === 'pdfprompt_chromium_info');
    expect(info?.labels['version']).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(total('chromium_age_seconds')).toBeGreaterThan(0);
    expect(ours().filter(({ name }) => name === 'pdfprompt_build_info')).toHaveLength(2);
  });
}, 180_000);
