/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { openBalancer } from '../support/balancer.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { startLoad } from '../support/steady-load.ts';

const { url, sql } = await createDatabase();
const env = { DATABASE_URL: url, LOG_LEVEL: 'warn', SHUTDOWN_GRACE: '10' };
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

async function serve(port = '0'): Promise<{ cli: Cli; address: string }> {
  const cli = pdfprompt(['serve', '--port', port], { env });
  const [, address = ''] = await cli.until(/serves at (http:\S+)/);
  return { cli, address };
}

async function work(): Promise<Cli> {
  const cli = pdfprompt(['work', '--concurrency', '2'], { env });
  await cli.until(/pdfprompt works/);
  return cli;
}

async function stop({ child, exited }: Cli): Promise<void> {
  child.kill('SIGTERM');
  await exited;
}

describe('the same Idempotency-Key a hundred times at once, over two processes', () => {
  it('makes one job', async () => {
    const apis = [await serve(), await serve()];
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const response = await fetch(`${apis[index % 2]?.address}/v1/jobs`, {
          method: 'POST',
          headers: { ...headers, 'idempotency-key': 'once' },
          body: JSON.stringify({ html: '<p>x</p>' }),
        });
        return { status: response.status, id: ((await response.json()) as Job).id };
      }),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
    const rows = await sql`select 1 from pdfprompt_job where idempotency_key = 'once'`;
    expect(rows).toHaveLength(1);
    await Promise.all(apis.map(({ cli }) => stop(cli)));
    await sql`delete from pdfprompt_job`;
    await sql`delete from pgboss.job`;
  });
});

describe('twenty restarts in turn, of two APIs and two workers, under load', () => {
  const apis: { cli: Cli; address: string }[] = [];
  const workers: Cli[] = [];
  afterAll(async () => {
    await Promise.all([...apis.map(({ cli }) => cli), ...workers].map(stop));
  });

  it('fail no request, and cost no attempt', async () => {
    apis.push(await serve(), await serve());
    workers.push(await work(), await work());
    const { address, close } = await openBalancer(() => apis.map((api) => api.address));
    const load = startLoad(address, headers);

    for (let restart = 0; restart < 20; restart++) {
      const index = Math.floor(restart / 2) % 2;
      if (restart % 2 === 0) {
        const old = apis[index] as { cli: Cli; address: string };
        await stop(old.cli);
        apis[index] = await serve(new URL(old.address).port);
        await sleep(400); // the balancer has seen it
      } else {
        await stop(workers[index] as Cli);
        workers[index] = await work();
      }
    }
    const { failed, ids } = await load.stop();
    await close();

    expect(failed).toEqual([]);
    expect(ids.length).toBeGreaterThan(50);
    const rows = await sql<{ status: string; attempts: number; outcomes: string[] }[]>`
      select status, attempts, (select json_agg(outcome order by run) from pdfprompt_job_attempt a where a.job_id = j.id) as outcomes
      from pdfprompt_job j`;
    expect(rows).toHaveLength(ids.length);
    for (const row of rows) {
      expect(row).toMatchObject({ status: 'completed', attempts: 1 });
      expect(row.outcomes.filter((outcome) => outcome !== 'interrupted')).toEqual(['done']);
    }
  }, 300_000);
});
