/** @module-tag long */

import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { processType } from '../../src/memory/processes.ts';
import { startGate } from '../support/gate.ts';
import { isWaitingForLock } from '../support/lock-waits.ts';
import { commandOf, descendants, eventually, isAlive } from '../support/processes.ts';
import { startFleet } from '../support/worker-fleet.ts';

const gate = await startGate();
const { sql, address, headers, worker, submit, all, runningAt, outcomes } = await startFleet(gate.env);

describe('a worker that is stopped and wakes up', () => {
  it('finds its jobs done by others, throws its results away and goes on', async () => {
    const zombie = await worker(2);
    const ids = await submit(2, { html: gate.html });
    await eventually(async () => (await runningAt(zombie.pid, ids)) === 2, 60_000, 'it runs both');
    zombie.child.kill('SIGSTOP');
    const heir = await worker(2);
    await eventually(async () => (await runningAt(heir.pid, ids)) > 0, 60_000, 'the other worker runs them');
    gate.open();
    await eventually(all(ids, 'completed'), 60_000, 'the other worker did them');
    zombie.child.kill('SIGCONT');
    await eventually(
      () => /result discarded/.test(zombie.stderr()) && /registered again/.test(zombie.stderr()),
      60_000,
      'it notices',
    );
    // One at a time: each may be the cause. The other was requeued until its turn came.
    for (const outcome of await outcomes(ids)) expect(outcome).toMatch(/^lost (?:interrupted )*done$/);
    expect(await sql`select 1 from pdfprompt_file where job_id in ${sql(ids)}`).toHaveLength(2);

    heir.child.kill('SIGTERM');
    await heir.exited;
    const next = await submit(2, { html: '<p>next</p>' });
    await eventually(all(next, 'completed'), 60_000, 'it takes new jobs');
    const usage =
      await sql`select sum(completed)::int as charged, (select count(*)::int from pdfprompt_job where status = 'completed') as completed from pdfprompt_usage_history`;
    expect(usage[0]?.charged).toBe(usage[0]?.completed);
  }, 300_000);
});

describe('a worker whose logs nobody reads any longer', () => {
  it('goes on, and stops in order', async () => {
    const unheard = await worker(2, { LOG_LEVEL: 'info' });
    unheard.child.stderr?.destroy();
    const ids = await submit(3, { html: '<p>unheard</p>' });
    await eventually(all(ids, 'completed'), 60_000, 'it works');
    unheard.child.kill('SIGTERM');
    expect(await unheard.exited).toMatchObject({ code: 0, signal: null });
  });
});

describe('a worker whose session is cut', () => {
  it('is not taken for dead: nothing it does is done twice', async () => {
    gate.shut();
    const [one, two] = await Promise.all([worker(2), worker(2)]);
    const ids = await submit(4, { html: gate.html });
    await eventually(
      async () => (await runningAt(one.pid, ids)) + (await runningAt(two.pid, ids)) === 4,
      60_000,
      'all run',
    );
    const cut = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'pdfprompt worker' and datname = current_database()`;
    expect(cut).toHaveLength(2);
    const locks = async () => {
      const held = await sql`
        select 1 from pg_locks join pg_database on pg_database.oid = pg_locks.database
        where locktype = 'advisory' and granted and datname = current_database()`;
      return held.length;
    };
    await eventually(async () => (await locks()) >= 2, 60_000, 'they hold their locks again');
    // The pause is what is tested: in it the reaper looks some twelve times.
    await sleep(6_000);
    gate.open();
    await eventually(all(ids, 'completed'), 60_000, 'they are done');
    expect(await outcomes(ids)).toEqual(['done', 'done', 'done', 'done']);
  }, 300_000);
});

/** What all finishes of a tenant change on one day: its row is locked until `release`. */
async function holdUsage() {
  const holder = await sql.reserve();
  await holder`begin`;
  expect(await holder`select 1 from pdfprompt_usage_history for update`).toHaveLength(1);
  return async () => {
    await holder`rollback`;
    holder.release();
  };
}
const isResultWaiting = () => isWaitingForLock(sql, { query: '%own as materialized (%' });
const lossesOf = async (ids: string[]) =>
  (await sql<{ losses: number }[]>`select losses from pdfprompt_job where id in ${sql(ids)}`).map(
    ({ losses }) => losses,
  );

describe('a worker that has to stop while its result waits for a lock', () => {
  it.each([
    ['in several statements', '<script>console.log("x")</script>', ['interrupted done']],
    // The database does not notice that its client has gone before the statement has ended.
    ['in one statement, which may end by itself', '<p>x</p>', ['interrupted done', 'done']],
  ])(
    'leaves its job to the others, and no loss is counted: %s',
    async (_, html, expected) => {
      const leaver = await worker(1, { SHUTDOWN_GRACE: '0' });
      await eventually(all(await submit(1, { html: '<p>first</p>' }), 'completed'), 60_000, 'there is usage');
      const release = await holdUsage();
      const ids = await submit(1, { html });
      await eventually(isResultWaiting, 60_000, 'its result waits');
      const heir = await worker(1);
      leaver.child.kill('SIGTERM');
      await leaver.exited;
      await release();
      await eventually(all(ids, 'completed'), 60_000, 'another worker does it');
      const [outcome] = await outcomes(ids);
      expect(expected).toContain(outcome);
      expect(await lossesOf(ids)).toEqual([0]);
      expect([...(await sql`select 1 from pdfprompt_file where job_id in ${sql(ids)}`)]).toHaveLength(1);
      expect([...(await sql`select state::text from pgboss.job where id in ${sql(ids)}`)]).toEqual([
        { state: 'completed' },
      ]);
      expect(heir.stderr()).not.toContain('worker.lost');
    },
    300_000,
  );
});

describe('a worker that stands still in the middle of a transaction', () => {
  it('does not keep its locks for longer than it is waited for', async () => {
    const zombie = await worker(1);
    await eventually(all(await submit(1, { html: '<p>first</p>' }), 'completed'), 60_000, 'there is usage');
    const release = await holdUsage();
    // What the page says is written by another statement of the transaction. A small result alone is one statement,
    // which ends by itself.
    const ids = await submit(1, { html: '<script>console.log("x")</script>' });
    await eventually(isResultWaiting, 60_000, 'its result waits');
    zombie.child.kill('SIGSTOP');
    await release(); // to the zombie's session, which does not go on
    await worker(1);
    const beside = await submit(1, { html: '<p>of the same user</p>' });
    await eventually(all([...ids, ...beside], 'completed'), 60_000, 'the other worker does both');
    expect([await outcomes(ids), await outcomes(beside)]).toEqual([['lost done'], ['done']]);
    const [row] = await sql<{ seconds: number }[]>`
      select extract(epoch from max(a.started_at) - max(w.seen_at) filter (where w.pid = ${zombie.pid}))::float8 as seconds
      from pdfprompt_job_attempt a join pdfprompt_worker w on w.id = a.worker_id where a.job_id in ${sql(ids)}`;
    expect(row?.seconds).toBeLessThan(30); // 11 to 13 s; without an end of its transaction, for ever
    zombie.child.kill('SIGCONT');
    await eventually(() => /registered again/.test(zombie.stderr()), 60_000, 'it notices');
    expect([...(await sql`select 1 from pdfprompt_file where job_id in ${sql(ids)}`)]).toHaveLength(1);
  }, 300_000);
});

describe('a document that takes every worker with it', () => {
  it('is given up after the third', async () => {
    gate.shut();
    const [id = ''] = await submit(1, { html: gate.html, timeoutMs: 300_000 });
    for (let loss = 1; loss <= 3; loss++) {
      const victim = await worker(1);
      await eventually(async () => (await runningAt(victim.pid, [id])) === 1, 60_000, `worker ${loss} runs it`);
      victim.child.kill('SIGKILL');
      await victim.exited;
    }
    await worker(1);
    await eventually(all([id], 'failed'), 60_000, 'it is given up');
    const job = (await (await fetch(`${address}/v1/jobs/${id}`, { headers })).json()) as Job;
    expect(job.error).toEqual({
      code: 'poison',
      message: '3 workers were lost while they rendered this document',
    });
    expect(await outcomes([id])).toEqual(['lost lost lost']);
  }, 300_000);
});

describe('a worker that is killed while its browser is stopped', () => {
  it('leaves a browser that the next worker ends', async () => {
    const killed = await worker(1);
    const ownBrowser = (pid: number) =>
      /--remote-debugging-pipe/.test(commandOf(pid)) && processType(pid) === undefined;
    const browsers = () => descendants(killed.pid).filter(ownBrowser);
    await eventually(() => browsers().length > 0, 60_000, 'it has a browser');
    const [browser = 0] = browsers();
    const processes = [browser, ...descendants(browser)];
    const profile = /--user-data-dir=(\S+)/.exec(commandOf(browser))?.[1] ?? '';
    process.kill(browser, 'SIGSTOP');
    killed.child.kill('SIGKILL');
    await killed.exited;
    expect([isAlive(browser), existsSync(profile)]).toEqual([true, true]); // it noticed nothing
    await worker(1);
    await eventually(() => !processes.some(isAlive), 60_000, 'it has ended');
    await eventually(() => !existsSync(profile), 60_000, 'its profile is removed');
  }, 300_000);
});
