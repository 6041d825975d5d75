/** @module-tag long */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { Batch } from '../../src/domain/batch.ts';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { openBalancer } from '../support/balancer.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { previousMigrations, unpackPreviousRelease } from '../support/previous-release.ts';
import { eventually } from '../support/processes.ts';
import { startLoad } from '../support/steady-load.ts';

const { url, sql } = await createDatabase(); // with the schema of this version
const env = { DATABASE_URL: url, LOG_LEVEL: 'warn', SHUTDOWN_GRACE: '10' };
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

const previous = { bin: await unpackPreviousRelease(), env };
const current = { env };
type Version = typeof previous | typeof current;

const apis: { cli: Cli; address: string }[] = [];
const workers: Cli[] = [];

async function serve(version: Version): Promise<void> {
  const cli = pdfprompt(['serve', '--port', '0'], version);
  const [, address = ''] = await cli.until(/serves at (http:\S+)/);
  apis.push({ cli, address });
}

async function work(version: Version): Promise<void> {
  const cli = pdfprompt(['work', '--concurrency', '2'], version);
  await cli.until(/pdfprompt works/);
  workers.push(cli);
}

async function stop({ child, exited }: Cli): Promise<void> {
  child.kill('SIGTERM');
  expect((await exited).code).toBe(0);
}

afterAll(async () => {
  await Promise.all([...apis.map(({ cli }) => cli), ...workers].map(stop));
});

/** Of each worker there was: how many jobs it has done. */
const doneBy = async (pid: number) =>
  (
    await sql`select 1 from pdfprompt_job_attempt a join pdfprompt_worker w on w.id = a.worker_id
      where w.pid = ${pid} and a.outcome = 'done'`
  ).length;

describe('the release before, on the schema of this one', () => {
  it('takes it for its own', async () => {
    const newest = (await previousMigrations()).at(-1);
    const ahead = await sql`select name from pdfprompt_migration_added where name > ${newest ?? ''}`;
    expect(ahead.length).toBeGreaterThan(0);
    for (const flags of [['--check'], []])
      expect(await pdfprompt(['migrate', ...flags], previous).exited).toMatchObject({ code: 0, stderr: '' });
    expect(await pdfprompt(['migrate', '--check'], current).exited).toMatchObject({ code: 0, stdout: '' });
  });

  it('runs beside it, in place of it, and is replaced by it, under load: no request fails, every job is done', async () => {
    await serve(current);
    await work(current);
    const { address, close } = await openBalancer(() => apis.map((api) => api.address));
    const load = startLoad(address, headers);
    const some = async (pids: number[]) => {
      const before = await Promise.all(pids.map(doneBy));
      const accepted = load.ids.length;
      await eventually(
        async () => {
          const now = await Promise.all(pids.map(doneBy));
          return load.ids.length >= accepted + 10 && now.every((count, index) => count >= (before[index] ?? 0) + 5);
        },
        120_000,
        'each worker has done more',
      );
    };
    const replaceBy = async (version: Version) => {
      await serve(version);
      await work(version);
      await some(workers.map(({ pid }) => pid)); // beside each other
      const [api, worker] = [apis.shift(), workers.shift()];
      await Promise.all([stop(api?.cli as Cli), stop(worker as Cli)]);
      await some(workers.map(({ pid }) => pid)); // alone
    };

    await some(workers.map(({ pid }) => pid));
    await replaceBy(previous);
    expect(apis[0]?.cli.child.spawnargs[1]).toBe(previous.bin);
    await replaceBy(current);
    await sleep(400); // the balancer has seen it
    const { failed, ids } = await load.stop();
    await close();

    expect(failed).toEqual([]);
    const rows = await sql<{ status: string; attempts: number }[]>`select status, attempts from pdfprompt_job`;
    expect(rows).toHaveLength(ids.length);
    for (const row of rows) expect(row).toEqual({ status: 'completed', attempts: 1 });
    process.stdout.write(`${ids.length} jobs, ${failed.length} failed requests\n`);
  }, 400_000);

  it('prints what this one has accepted, without what it does not know of', async () => {
    await Promise.all(workers.splice(0).map(stop));
    const body = JSON.stringify({ html: '<p>x</p>' });
    const accepted = await fetch(`${apis[0]?.address}/v1/jobs`, { method: 'POST', headers, body });
    const { id } = (await accepted.json()) as Job;
    const ahead = JSON.stringify({ finishing: { pages: '1' }, laterThanBoth: true });
    await sql`update pdfprompt_job set request = request || ${ahead}::text::jsonb where id = ${id}`;
    await work(previous);
    await eventually(
      async () => (await sql`select 1 from pdfprompt_job where id = ${id} and status = 'completed'`).length === 1,
      60_000,
      'it is printed',
    );
  }, 120_000);

  it('prints items of a batch, and leaves it to this one to merge them', async () => {
    await Promise.all(workers.splice(0).map(stop));
    await serve(current);
    const body = JSON.stringify({ request: {}, result: 'merged', items: [{ html: '<p>1' }, { html: '<p>2' }] });
    const accepted = await fetch(`${apis.at(-1)?.address}/v1/batches`, { method: 'POST', headers, body });
    const { id } = (await accepted.json()) as Batch;
    const isNow = (status: string) =>
      eventually(
        async () => (await sql`select from pdfprompt_batch where id = ${id} and status = ${status}`).length === 1,
        60_000,
        `it is ${status}`,
      );
    await work(previous);
    await isNow('closing');
    const merging = () => sql`select status, attempts from pdfprompt_job where batch_id = ${id} and batch_row is null`;
    const pid = workers[0]?.pid ?? 0;
    const { length } = await sql`select from pdfprompt_job_attempt a join pdfprompt_worker w on w.id = a.worker_id
      join pdfprompt_job j on j.id = a.job_id where w.pid = ${pid} and j.batch_id = ${id}`;
    expect(length).toBe(2);
    await work(current);
    await stop(workers.shift() as Cli); // otherwise they take turns to find the job in the queue
    await isNow('completed');
    expect([...(await merging())]).toEqual([{ status: 'completed', attempts: 1 }]);
  }, 200_000);
});
