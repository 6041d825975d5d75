/** @module-tag long */

import { expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/processes.ts';
import { scrape } from '../support/scrape.ts';

const { url } = await createDatabase();
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();

async function serve() {
  const port = await freePort();
  const env = { DATABASE_URL: url, LOG_LEVEL: 'error', SHUTDOWN_GRACE: '1', OPS_PORT: String(port) };
  const cli = pdfprompt(['serve', '--port', '0'], { env });
  const [, address = ''] = await cli.until(/serves at (http:\S+)/, 180_000);
  return { cli, address, port };
}

async function submit(address: string, priority: string): Promise<Job> {
  const response = await fetch(`${address}/v1/jobs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ html: '<p>x</p>', priority }),
  });
  expect(response.status).toBe(202);
  return (await response.json()) as Job;
}

it('the figures of the queue come from one process, and from another when that is killed', async () => {
  const apis = await Promise.all([serve(), serve()]);
  for (let count = 0; count < 25; count++)
    await submit(apis[count % 2 === 0 ? 0 : 1].address, count < 15 ? 'low' : 'medium');
  const depths = async (of: readonly { port: number }[]) =>
    (await Promise.all(of.map(({ port }) => scrape(port)))).map(({ sum }) => ({
      all: sum('pdfprompt_queue_depth'),
      low: sum('pdfprompt_queue_depth', { priority: 'low' }),
      medium: sum('pdfprompt_queue_depth', { priority: 'medium' }),
      high: sum('pdfprompt_queue_depth', { priority: 'high' }),
      hasOldest: (sum('pdfprompt_queue_oldest_seconds') ?? 0) > 0,
      workers: sum('pdfprompt_workers'),
      server: (sum('pdfprompt_db_server_connections') ?? 0) > 0,
    }));
  const queue = { all: 25, low: 15, medium: 10, high: 0, hasOldest: true, workers: 0, server: true };
  const silence = { hasOldest: false, server: false };
  await eventually(async () => (await depths(apis)).some(({ all }) => all === 25), 60_000, 'one counts 25');
  const told = await depths(apis);
  expect(told).toContainEqual(queue);
  expect(told).toContainEqual(silence);

  const teller = told.findIndex(({ all }) => all !== undefined);
  const [killed, other] = teller === 0 ? apis : ([apis[1], apis[0]] as const);
  killed.cli.child.kill('SIGKILL');
  await killed.cli.exited;
  await eventually(async () => (await depths([other]))[0]?.all === 25, 120_000, 'the other counts 25');
  expect(await depths([other])).toEqual([queue]);
}, 300_000);
