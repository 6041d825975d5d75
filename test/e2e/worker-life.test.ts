import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { eventually } from '../support/processes.ts';

const { url, sql } = await createDatabase();
const env = { DATABASE_URL: url, LOG_LEVEL: 'warn' };
const pool = openTestPool(url);
const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
await pool.close();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const api = pdfprompt(['serve', '--port', '0'], { env });
const [, address = ''] = await api.until(/serves at (http:\S+)/);

async function worker(concurrency = 4): Promise<Cli> {
  const cli = pdfprompt(['work', '--concurrency', String(concurrency)], { env });
  await cli.until(/pdfprompt works/);
  return cli;
}

async function submit(count: number, body: object): Promise<string[]> {
  const send = async () =>
    ((await (await fetch(`${address}/v1/jobs`, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as Job)
      .id;
  return Promise.all(Array.from({ length: count }, send));
}

const statuses = async (ids: string[]) =>
  (await sql<{ status: string }[]>`select status from pdfprompt_job where id in ${sql(ids)}`).map((row) => row.status);
const all = (ids: string[], status: string) => async () => (await statuses(ids)).every((each) => each === status);
const runningAt = async (pid: number, ids: string[]) =>
  (
    await sql`select 1 from pdfprompt_job j join pdfprompt_worker w on w.id = j.worker_id where j.status = 'processing' and w.pid = ${pid} and j.id in ${sql(ids)}`
  ).length;
const outcomes = async (ids: string[]) =>
  (
    await sql<
      { outcomes: string }[]
    >`select string_agg(outcome, ' ' order by run) as outcomes from pdfprompt_job_attempt where job_id in ${sql(ids)} group by job_id`
  ).map((row) => row.outcomes);

async function stop(...workers: Cli[]): Promise<void> {
  for (const { child } of workers) child.kill('SIGTERM');
  for (const { exited } of workers) await exited;
}

describe('a worker that is killed with four documents in hand', () => {
  it('has them run elsewhere within 2 s, and the attempts say that it was lost', async () => {
    const doomed = await worker();
    const theirs = await submit(4, { html: '<p>x</p>', waitForTimeout: 8_000 });
    await eventually(async () => (await runningAt(doomed.pid, theirs)) === 4, 10_000, 'it runs all four');
    const heir = await worker();
    doomed.child.kill('SIGKILL');
    await eventually(
      async () => (await runningAt(heir.pid, theirs)) === theirs.length,
      2_000,
      'the other worker runs them',
    );
    await eventually(all(theirs, 'completed'), 30_000, 'they are done');
    expect(new Set(await outcomes(theirs))).toEqual(new Set(['lost done']));
    const rows = await sql`select attempts, losses, runs from pdfprompt_job where id in ${sql(theirs)}`;
    for (const row of rows) expect(row).toEqual({ attempts: 1, losses: 1, runs: 2 });
    const told = heir
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"job given back"') && line.includes('"reason":"lost"'));
    expect(told.map((line) => (JSON.parse(line) as { jobId: string }).jobId).toSorted()).toEqual(theirs.toSorted());
    await stop(heir);
  });
});

describe('a worker that is stopped for 20 s and wakes up', () => {
  it('finds its jobs done by others, throws its results away and goes on', async () => {
    const zombie = await worker(2);
    const ids = await submit(2, { html: '<p>x</p>', waitForTimeout: 2_000 });
    await eventually(async () => (await runningAt(zombie.pid, ids)) === 2, 10_000, 'it runs both');
    zombie.child.kill('SIGSTOP');
    const heir = await worker(2);
    await eventually(all(ids, 'completed'), 30_000, 'the other worker did them');
    await sleep(3_000);
    zombie.child.kill('SIGCONT');
    await eventually(
      () => /result thrown away/.test(zombie.stderr()) && /registered again/.test(zombie.stderr()),
      10_000,
      'it notices',
    );
    expect(new Set(await outcomes(ids))).toEqual(new Set(['lost done']));
    expect(await sql`select 1 from pdfprompt_file where job_id in ${sql(ids)}`).toHaveLength(2);

    await stop(heir);
    const next = await submit(2, { html: '<p>next</p>' });
    await eventually(all(next, 'completed'), 10_000, 'it takes new jobs');
    const usage =
      await sql`select sum(completed)::int as charged, (select count(*)::int from pdfprompt_job where status = 'completed') as completed from pdfprompt_usage_history`;
    expect(usage[0]?.charged).toBe(usage[0]?.completed);
    await stop(zombie);
  });
});

describe('a worker whose session is cut', () => {
  it('is not taken for dead: nothing it does is done twice', async () => {
    const [one, two] = [await worker(2), await worker(2)];
    const ids = await submit(4, { html: '<p>x</p>', waitForTimeout: 3_000 });
    await eventually(
      async () => (await runningAt(one.pid, ids)) + (await runningAt(two.pid, ids)) === 4,
      10_000,
      'all run',
    );
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pdfprompt worker'`;
    await eventually(all(ids, 'completed'), 15_000, 'they are done');
    expect(new Set(await outcomes(ids))).toEqual(new Set(['done']));
    await stop(one, two);
  });
});

describe('a document that takes every worker with it', () => {
  it('is given up after the third', async () => {
    const [id = ''] = await submit(1, { html: '<p>x</p>', waitForTimeout: 20_000, timeoutMs: 60_000 });
    for (let loss = 1; loss <= 3; loss++) {
      const victim = await worker(1);
      await eventually(async () => (await runningAt(victim.pid, [id])) === 1, 30_000, `worker ${loss} runs it`);
      victim.child.kill('SIGKILL');
      await victim.exited;
    }
    const witness = await worker(1);
    await eventually(all([id], 'failed'), 30_000, 'it is given up');
    const job = (await (await fetch(`${address}/v1/jobs/${id}`, { headers })).json()) as Job;
    expect(job.error).toEqual({
      code: 'poison',
      message: 'the worker was lost 3 times while it rendered this document',
    });
    expect(await outcomes([id])).toEqual(['lost lost lost']);
    await stop(witness);
  }, 120_000);
});
