/** @module-tag long */

import { createServer, request as send, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { eventually } from '../support/processes.ts';

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

/** As any load balancer: asks each instance whether it is ready, and sends requests only to those that are. */
async function balancer(addresses: () => string[]): Promise<{ address: string; close: () => Promise<void> }> {
  let ready: string[] = [];
  let turn = 0;
  let isOver = false;
  const check = async () => {
    while (!isOver) {
      const answers = await Promise.all(
        addresses().map(async (address) => {
          const isReady = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
            (response) => response.ok,
            () => false,
          );
          return isReady ? [address] : [];
        }),
      );
      ready = answers.flat();
      await sleep(200);
    }
  };
  const checking = check();
  const server = createServer((incoming, outgoing) => {
    const target = ready[turn++ % Math.max(1, ready.length)];
    const options = { method: incoming.method, headers: { ...incoming.headers, connection: 'close' } };
    const forwarded = send(`${target}${incoming.url}`, options, (response: IncomingMessage) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forwarded.once('error', (error) => outgoing.writeHead(502).end(String(error)));
    incoming.pipe(forwarded);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  await eventually(() => ready.length > 0, 30_000, 'an instance is ready');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      isOver = true;
      await checking;
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

describe('twenty restarts in turn, of two APIs and two workers, under load', () => {
  const apis: { cli: Cli; address: string }[] = [];
  const workers: Cli[] = [];
  afterAll(async () => {
    await Promise.all([...apis.map(({ cli }) => cli), ...workers].map(stop));
  });

  it('fail no request, and cost no attempt', async () => {
    apis.push(await serve(), await serve());
    workers.push(await work(), await work());
    const { address, close } = await balancer(() => apis.map((api) => api.address));
    const failed: string[] = [];
    const ids: string[] = [];
    let isOver = false;
    const ask = async (path: string, init: RequestInit = {}): Promise<Job | undefined> => {
      try {
        const response = await fetch(`${address}${path}`, { headers, ...init });
        if (response.ok) return (await response.json()) as Job;
        failed.push(`${path}: ${response.status} ${await response.text()}`);
      } catch (error) {
        failed.push(`${path}: ${String(error)}`);
      }
      return undefined;
    };
    const client = async () => {
      while (!isOver) {
        const body = JSON.stringify({ html: '<p>x</p>', waitForTimeout: Math.floor(Math.random() * 800) });
        const job = await ask('/v1/jobs', { method: 'POST', body });
        if (job) ids.push(job.id);
        for (let status = job?.status; status === 'queued' || status === 'processing';)
          status = (await ask(`/v1/jobs/${job?.id}?wait=2`))?.status;
      }
    };
    const clients = Array.from({ length: 6 }, client);

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
    isOver = true;
    await Promise.all(clients);
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
