/** @module-tag long */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { readPdf } from '../support/pdf.ts';
import { pdfprompt } from '../support/cli.ts';
import { commandOf, descendants, eventually, isAlive } from '../support/processes.ts';
import { freePort } from '../support/free-port.ts';

const invoice = readFileSync(new URL('../fixtures/invoice.html', import.meta.url), 'utf8');
const { url, sql } = await createDatabase();
const env = { DATABASE_URL: url, LOG_LEVEL: 'warn' };
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

async function serve(): Promise<string> {
  const api = pdfprompt(['serve', '--port', '0'], { env });
  const [, address = ''] = await api.until(/serves at (http:\S+)/);
  return address;
}

async function worker(more: Record<string, string> = {}) {
  const process_ = pdfprompt(['work', '--concurrency', '2'], { env: { ...env, ...more } });
  await process_.until(/pdfprompt works, 2 documents at a time/);
  return process_;
}

describe('one serve and three work processes on one database', () => {
  it('print a hundred invoices, each with its own number and no other', async () => {
    const address = await serve();
    await Promise.all([worker(), worker(), worker()]);
    const nonces = Array.from({ length: 100 }, () => randomBytes(12).toString('hex'));
    const ids = await Promise.all(
      nonces.map(async (nonce) => {
        const body = JSON.stringify({
          html: invoice.replace('Invoice #: 123', `Invoice #: ${nonce}`),
          metadata: { nonce },
        });
        const post = () => fetch(`${address}/v1/jobs`, { method: 'POST', headers, body });
        let response = await post();
        // A hundred at once are more than a busy machine takes at once: as it says, they come again.
        for (; response.status === 503; response = await post())
          await sleep(Number(response.headers.get('retry-after')) * 1_000);
        expect(response.status).toBe(202);
        return ((await response.json()) as Job).id;
      }),
    );
    expect(new Set(ids).size).toBe(100);
    for (const [index, id] of ids.entries()) {
      let job: Job;
      do job = (await (await fetch(`${address}/v1/jobs/${id}?wait=20`, { headers })).json()) as Job;
      while (job.status === 'queued' || job.status === 'processing');
      expect(job).toMatchObject({ status: 'completed', attempts: 1, metadata: { nonce: nonces[index] } });
      const pdf = await readPdf(await (await fetch(`${address}/v1/jobs/${id}/pdf`, { headers })).arrayBuffer());
      const found = nonces.filter((nonce) => pdf.text.join('').includes(nonce));
      expect(found).toEqual([nonces[index]]);
    }
    const workers = await sql`
      select 1 from pg_stat_activity where application_name = 'pdfprompt worker' and datname = current_database()`;
    expect(workers).toHaveLength(3);
    const usage = await sql`select completed, pages::int from pdfprompt_usage_history`;
    expect([...usage]).toEqual([{ completed: 100, pages: 100 }]);
  });

  it('never load the browser in serve', async () => {
    const api = pdfprompt(['serve', '--port', '0'], { env });
    await api.until(/serves at/);
    const maps = readFileSync(`/proc/${api.pid}/maps`, 'utf8');
    expect(maps).not.toMatch(/puppeteer|chrom/i);
    const others = descendants(api.pid).filter((pid) => !commandOf(pid).includes('templating/child'));
    expect(others.map(commandOf)).toEqual([]);
  });
});

describe('kill -9 of a worker in the middle of a document', () => {
  it.each([
    ['that waits', '<p>x</p>', { waitForTimeout: 30_000 }],
    ['whose script never ends', '<script>while (true);</script>', {}],
  ])('%s leaves no Chromium after 2 s', async (_, html, more) => {
    await sql`delete from pdfprompt_job`;
    await sql`delete from pgboss.job`;
    const address = await serve();
    const doomed = await worker();
    const response = await fetch(`${address}/v1/jobs`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ html, timeoutMs: 40_000, ...more }),
    });
    const { id } = (await response.json()) as Job;
    await eventually(
      async () => (await sql`select 1 from pdfprompt_job where id = ${id} and status = 'processing'`).length === 1,
      30_000,
      'it runs',
    );
    const below = descendants(doomed.pid);
    expect(below.length).toBeGreaterThan(3);
    doomed.child.kill('SIGKILL');
    await eventually(() => !below.some(isAlive), 30_000, 'every Chromium process has ended');
  });
});

describe('a database that is not migrated', () => {
  it('stops the start with what to type', async () => {
    const empty = await createDatabase({ empty: true });
    const { code, stderr } = await pdfprompt(['serve', '--port', '0'], { env: { DATABASE_URL: empty.url } }).exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/The database lacks 0001_tables\.sql, .*Type: pdfprompt migrate/);
  });
});

describe('OPS_PORT', () => {
  it.each(['serve', 'work'])('of %s answers probes and Prometheus', async (command) => {
    const port = await freePort();
    const arguments_ = command === 'serve' ? [command, '--port', '0'] : [command, '--concurrency', '2'];
    const process_ = pdfprompt(arguments_, { env: { ...env, OPS_PORT: String(port) } });
    await process_.until(/pdfprompt (serves|works)/);
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const moving = command === 'work' ? ['dispatcher', 'browser', 'deliverer'] : [];
    const checks = (names: string[]) => names.map((name) => expect.objectContaining({ name, status: 'ok' }) as unknown);
    expect(await (await get('/livez')).json()).toEqual({ status: 'ok', checks: checks(moving) });
    expect(await (await get('/startupz')).json()).toEqual({ status: 'started', checks: checks(['startup']) });
    const needed = [
      'startup',
      'shutdown',
      'database',
      ...(command === 'work' ? ['registration', 'store', 'temporary files'] : []),
    ];
    const ready = { status: 'ready', checks: checks(needed) };
    expect(await (await get('/readyz')).json()).toEqual(ready);
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await metrics.text();
    if (command === 'work') {
      expect(text).toMatch(/^pdfprompt_browser_pool_size 1$/m);
      expect(text).toMatch(/^pdfprompt_worker_slots{state="free"} 2$/m);
      expect(text).toMatch(/^pdfprompt_memory_pressure_ratio 0\.\d+$/m);
    }
  });
});
