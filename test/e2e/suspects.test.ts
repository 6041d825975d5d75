/** @module-tag long */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { JobQueue } from '../../src/queue/boss.ts';
import { undoLater } from '../support/clean-up.ts';
import { openTestPool } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { startGate } from '../support/gate.ts';
import { eventually } from '../support/processes.ts';
import { scrape } from '../support/scrape.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { startFleet } from '../support/worker-fleet.ts';

const gate = await startGate();
const first = await startGate();
const { url, sql, address, headers, worker, submit, all, runningAt, outcomes } = await startFleet({
  EGRESS_ALLOW: `${gate.env.EGRESS_ALLOW},${first.env.EGRESS_ALLOW}`,
  CHAOS_DOCUMENTS: '1',
});

const errorOf = async (id: string) =>
  ((await (await fetch(`${address}/v1/jobs/${id}`, { headers })).json()) as Job).error;
const attemptsOf = async (ids: string[]) =>
  (await sql<{ attempts: number }[]>`select attempts from pdfprompt_job where id in ${sql(ids)}`).map(
    ({ attempts }) => attempts,
  );

describe('a document that ends every worker that runs it', () => {
  it('is alone from the second time on: it fails by name, and none of its neighbours', async () => {
    gate.shut();
    let victim = await worker(3);
    const unaffected = await submit(2, { html: gate.html });
    await eventually(async () => (await runningAt(victim.pid, unaffected)) === 2, 60_000, 'its neighbours run');
    const [offending = ''] = await submit(1, { html: '<p>x</p>', filename: 'chaos-kill.pdf' });
    await victim.exited;
    gate.open();
    for (let more = 0; more < 2; more++) {
      victim = await worker(3);
      await victim.exited;
    }
    await worker(3);
    await eventually(all([offending], 'failed'), 60_000, 'it is given up');
    await eventually(all(unaffected, 'completed'), 60_000, 'its neighbours are done');
    expect((await errorOf(offending))?.code).toBe('poison');
    const [{ losses } = { losses: 9 }] = await sql<{ losses: number }[]>`
      select max(losses) as losses from pdfprompt_job where id in ${sql(unaffected)}`;
    expect(losses).toBe(1); // with what killed the first; with nothing after that
  }, 300_000);

  it('waits for what runs, and nothing is begun beside it', async () => {
    gate.shut();
    const victim = await worker(2);
    const suspects = await submit(2, { html: gate.html });
    await eventually(() => gate.waiting === 2, 60_000, 'both run');
    const heir = await worker(4);
    const before = await submit(1, { html: first.html });
    await eventually(() => first.waiting === 1, 60_000, 'the heir has something to do');
    victim.child.kill('SIGKILL');
    await eventually(async () => (await runningAt(heir.pid, suspects)) === 1, 60_000, 'it has one of them');
    const after = await submit(3, { html: '<p>after</p>' });
    expect(gate.waiting).toBe(0);
    first.open();
    await eventually(() => gate.waiting === 1, 60_000, 'it begins when it is alone');
    expect(await all(before, 'completed')()).toBe(true);
    expect(await all(after, 'queued')()).toBe(true);
    gate.open();
    await eventually(all([...suspects, ...after], 'completed'), 60_000, 'all are done');
  }, 300_000);
});

describe('the claim of a suspect that waits for the others of its worker', () => {
  const pool = openTestPool(url);
  const queue = new JobQueue({ db: pool.db, supervise: false, onError: () => undefined });
  beforeAll(() => queue.start());
  afterAll(async () => {
    await queue.stop();
    await pool.close();
  });

  const letClaimsExpire = async () => {
    await sql`update pgboss.queue set monitor_claim_on = null, monitor_on = null`; // otherwise it is done once a minute
    await queue.maintain();
  };
  const placeOf = async (id: string) =>
    (await sql`select state, retry_count as claims from pgboss.job where id = ${id}`)[0];

  /** A worker with a suspect that waits for another document. */
  async function waitingSuspect(env: Record<string, string> = {}) {
    gate.shut();
    const [suspect = ''] = await submit(1, { html: '<p>suspect</p>' });
    await sql`update pdfprompt_job set losses = 1 where id = ${suspect}`;
    const [beside = ''] = await submit(1, { html: gate.html });
    const keeper = await worker(3, env);
    await eventually(() => gate.waiting === 1, 60_000, 'the other is being rendered');
    expect(await runningAt(keeper.pid, [suspect, beside])).toBe(2);
    return { suspect, beside, keeper };
  }

  it('does not expire, however long that takes: no other worker gets the job, and no loss is counted', async () => {
    const { suspect, beside, keeper } = await waitingSuspect();
    await worker(3); // has nothing to do
    const before = await placeOf(suspect);
    await sql`update pgboss.job set expire_seconds = 6 where id = ${suspect}`;
    const isOver = async () =>
      (await sql`select 1 from pdfprompt_job where id = ${suspect} and started_at < now() - interval '7 seconds'`)
        .length === 1;
    await eventually(isOver, 60_000, 'its time would be over');
    await letClaimsExpire();
    expect(await placeOf(suspect)).toEqual(before);
    gate.open();
    await eventually(all([suspect, beside], 'completed'), 60_000, 'both are done');
    expect(await outcomes([suspect])).toEqual(['done']);
    expect(
      await sql`select losses, pid from pdfprompt_job j join pdfprompt_job_attempt a on a.job_id = j.id
        join pdfprompt_worker w on w.id = a.worker_id where j.id = ${suspect}`,
    ).toEqual([{ losses: 1, pid: keeper.pid }]);
  }, 300_000);

  it('is kept through an outage of the database', async () => {
    const database = new URL(url);
    const way = await TcpProxy.open(Number(database.port));
    undoLater(() => way.close());
    database.port = String(way.port);
    const { suspect, beside, keeper } = await waitingSuspect({ DATABASE_URL: database.href });
    way.refuse();
    await eventually(() => /"what":"renewing a claim"/.test(keeper.stderr()), 60_000, 'a renewal has failed');
    way.admit();
    gate.open();
    await eventually(all([suspect, beside], 'completed'), 60_000, 'both are done');
    expect(await outcomes([suspect, beside])).toEqual(['done', 'done']);
  }, 300_000);

  it('is found stale if it has expired all the same: the job does not begin, and the worker goes on', async () => {
    const { suspect, beside, keeper } = await waitingSuspect();
    const [next = ''] = await submit(1, { html: '<p>next</p>' });
    await sql`update pgboss.job set expire_seconds = 0 where id = ${suspect}`;
    await letClaimsExpire();
    await sql`update pgboss.job set expire_seconds = 300, start_after = 'infinity' where id = ${suspect}`;
    await eventually(all([next], 'completed'), 60_000, 'it claims again, though it is not alone');
    gate.open();
    await eventually(all([beside], 'completed'), 60_000, 'it is alone');
    expect(await all([suspect], 'processing')()).toBe(true); // as its first run left it
    await sql`update pgboss.job set start_after = now() where id = ${suspect}`;
    await eventually(all([suspect], 'completed'), 60_000, 'it is claimed again');
    expect(await outcomes([suspect])).toEqual(['lost done']);
    expect(keeper.stderr()).not.toMatch(/job\.result_discarded/);
  }, 300_000);
});

describe('a document during which something throws where nothing can catch it', () => {
  it('fails alone; its worker gives back what it has, uncounted, and ends with an error', async () => {
    gate.shut();
    const victim = await worker(3);
    const unaffected = await submit(2, { html: gate.html });
    await eventually(async () => (await runningAt(victim.pid, unaffected)) === 2, 60_000, 'its neighbours run');
    const [offending = ''] = await submit(1, { html: gate.html, filename: 'chaos-throw.pdf' });
    const { code, stderr } = await victim.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/"level":"fatal".*thrown by chaos-throw.pdf/);
    expect(stderr).toContain(`"jobId":"${offending}"`);
    expect(await errorOf(offending)).toMatchObject({ code: 'internal' });
    expect(await outcomes(unaffected)).toEqual(['interrupted', 'interrupted']);
    expect(await attemptsOf(unaffected)).toEqual([0, 0]);
    gate.open();
    await worker(3);
    await eventually(all(unaffected, 'completed'), 60_000, 'its neighbours are done');
    expect(await outcomes(unaffected)).toEqual(['interrupted done', 'interrupted done']);
  }, 300_000);
});

describe('a worker whose session is cut and cannot come back', () => {
  it('ends what it has and claims nothing until it is back; nobody takes it for dead', async () => {
    gate.shut();
    const direct = new URL(url);
    const way = await TcpProxy.open(Number(direct.port));
    undoLater(() => way.close());
    direct.port = String(way.port);
    const opsPort = await freePort();
    const cut = await worker(2, { DATABASE_DIRECT_URL: direct.href, OPS_PORT: String(opsPort) });
    const registered = async () => (await scrape(opsPort)).sum('pdfprompt_worker_registered');
    expect(await registered()).toBe(1);
    const had = await submit(2, { html: gate.html });
    await eventually(async () => (await runningAt(cut.pid, had)) === 2, 60_000, 'it has two');
    way.refuse();
    await eventually(() => /worker\.session_lost/.test(cut.stderr()), 60_000, 'it says so');
    const other = await worker(2);
    expect(await registered()).toBe(0);
    const more = await submit(4, { html: gate.html });
    await eventually(async () => (await runningAt(other.pid, more)) === 2, 60_000, 'the other takes new ones');
    expect(await runningAt(cut.pid, more)).toBe(0);
    gate.open();
    await eventually(all([...had, ...more], 'completed'), 60_000, 'all are done');
    expect(await outcomes([...had, ...more])).toEqual(Array(6).fill('done'));
    expect(
      await sql`select 1 from pdfprompt_job_attempt a join pdfprompt_worker w on w.id = a.worker_id
      where w.pid = ${cut.pid} and a.job_id in ${sql(more)}`,
    ).toHaveLength(0);

    other.child.kill('SIGTERM');
    await other.exited;
    way.admit();
    const last = await submit(2, { html: '<p>x</p>' });
    await eventually(all(last, 'completed'), 60_000, 'it claims again');
    expect(await registered()).toBe(1);
    expect(await sql`select 1 from pdfprompt_worker where is_lost and pid = ${cut.pid}`).toHaveLength(0);
  }, 300_000);
});
