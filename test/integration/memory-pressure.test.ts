import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { privateBytes, processTree, processType } from '../../src/memory/processes.ts';
import { startGate } from '../support/gate.ts';
import { isWaitingForLock } from '../support/lock-waits.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const gate = await startGate();
/** Of a machine that is small, but not too small for one document. */
const LIMIT = 1_000_000_000;
let ratio = 0.5;
const service = await startService({
  worker: true,
  env: { PDFPROMPT_WORKER_CONCURRENCY: '4', BROWSER_MAX_PAGES_PER_BROWSER: '2', ...gate.env },
  readMemory: () => ({ used: ratio * LIMIT, limit: LIMIT, source: 'cgroup v2' }),
});
const state = () => {
  if (!service.renderer) throw new Error('there is no worker');
  return service.renderer.state;
};
const keys = await Promise.all(['ann', 'bob', 'cid', 'dan'].map((name) => service.newKey(`${name}@example.com`)));

async function submit(body: object, key = service.key): Promise<string> {
  const response = await service.request('/v1/jobs', { method: 'POST', body: JSON.stringify(body), key });
  return ((await response.json()) as Job).id;
}

async function jobOf(id: string, key = service.key, wait = 30): Promise<Job> {
  return (await (await service.request(`/v1/jobs/${id}?wait=${wait}`, { key })).json()) as Job;
}

/** Takes memory, and only then comes to the gate. */
const LARGE = `<p>large</p><script>
  window.kept = new Uint8Array(200 << 20).fill(1);
  document.body.append(Object.assign(new Image(), { src: '${gate.url}' }));
</script>`;
/** The renderer processes of this process's browsers, the largest first. */
const renderersBySize = () =>
  processTree(process.pid)
    .filter((pid) => processType(pid) === 'renderer')
    .toSorted((a, b) => privateBytes(b) - privateBytes(a));
const attemptsAt = async (id: string) => [
  ...(await service.sql`select outcome, reason from pdfprompt_job_attempt where job_id = ${id} order by run`),
];
/** Keeps the worker busy, though not the machine. */
const SLOW = { html: '<p>slow</p>', waitForTimeout: 400 };
const completed = async () =>
  Number((await service.sql`select count(*) from pdfprompt_job where status = 'completed'`)[0]?.count);

describe('memory', () => {
  it('at 80 % shrinks the pool and goes on with one at a time; below 70 % all is as before, and nothing is lost', async () => {
    const jobs: Job[] = [];
    let isOver = false;
    const client = async (key: string) => {
      while (!isOver) jobs.push(await jobOf(await submit(SLOW, key), key));
    };
    const clients = [...keys, ...keys].map(client); // twice as many as there are slots
    await eventually(() => state().browsers === 2 && state().busy === 4, 60_000, 'two browsers are busy');
    await eventually(() => state().warm > 0, 60_000, 'pages are kept warm');

    ratio = 0.85;
    await eventually(() => state().pressure === 'high', 30_000, 'pressure is noticed');
    await eventually(
      () => state().browsers === 1 && state().warm === 0 && state().busy <= 1,
      30_000,
      'one browser is left, and no warm page',
    );
    const { body: metrics } = await service.base.events.metrics.text();
    for (const line of ['browser_pool_size 1', 'warm_pages 0', 'memory_pressure_ratio 0.85'])
      expect(metrics).toContain(`\npdfprompt_${line}\n`);
    expect(metrics).toMatch(/pdfprompt_browser_restarts_total{reason="pressure"} [1-9]/);
    const before = await completed();
    for (let look = 0; look < 20; look++, await sleep(20)) expect(state().busy).toBeLessThanOrEqual(1);
    await eventually(async () => (await completed()) > before + 2, 30_000, 'work goes on');
    ratio = 0.75;
    await eventually(() => state().memoryRatio === 0.75, 30_000, 'a little less');
    expect(state().pressure).toBe('high');

    ratio = 0.65;
    await eventually(() => state().pressure === 'normal' && state().busy > 1, 30_000, 'it grows again');
    isOver = true;
    await Promise.all(clients);
    for (const job of jobs) expect(job).toMatchObject({ status: 'completed', attempts: 1 });
    await eventually(() => state().warm > 0, 30_000, 'pages are warm again');
    expect(service.lines.filter((line) => line.includes('memory pressure')).length).toBe(2);
  }, 120_000);

  it('at 80 % a claim that was under way begins one document, and the others are requeued, uncounted', async () => {
    const busy: number[] = [];
    let ids: string[] = [];
    await service.sql.begin(async (tx) => {
      await tx`select from pdfprompt_worker where ended_at is null for update`; // a claim waits for it
      ids = await Promise.all(keys.map((key) => submit(SLOW, key)));
      const isClaiming = () => isWaitingForLock(service.sql, { query: '%with claims as%' });
      await eventually(isClaiming, 30_000, 'a claim is under way');
      ratio = 0.85;
      await eventually(() => state().pressure === 'high', 30_000, 'pressure is noticed');
    });
    const watching = setInterval(() => busy.push(state().busy), 5);
    const jobs = await Promise.all(ids.map((id, index) => jobOf(id, keys[index])));
    clearInterval(watching);
    ratio = 0.5;
    for (const job of jobs) expect(job).toMatchObject({ status: 'completed', attempts: 1 });
    expect(Math.max(...busy)).toBe(1);
  }, 60_000);

  it('at 90 % a suspect that waited until it is alone is requeued, uncounted: another worker may have room', async () => {
    gate.shut();
    const beside = await submit({ html: gate.html }, keys[0]);
    await eventually(() => gate.waiting === 1, 60_000, 'another document runs');
    ratio = 0.95;
    await eventually(() => state().pressure === 'critical', 30_000, 'nothing is claimed');
    const suspect = await submit({ html: '<p>suspect</p>' });
    await service.sql`update pdfprompt_job set losses = 1 where id = ${suspect}`;
    ratio = 0.5;
    const isStatus = (status: string) => async () => (await jobOf(suspect, service.key, 0)).status === status;
    await eventually(isStatus('processing'), 30_000, 'it is claimed');
    ratio = 0.95;
    await eventually(() => state().pressure === 'critical', 30_000, 'it is critical');
    expect(await isStatus('processing')()).toBe(true);
    gate.open();
    await eventually(isStatus('queued'), 30_000, 'it is requeued');
    ratio = 0.5;
    expect(await jobOf(beside, keys[0])).toMatchObject({ status: 'completed' });
    expect(await jobOf(suspect)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await attemptsAt(suspect)).toEqual([
      { outcome: 'interrupted', reason: 'memory' },
      { outcome: 'done', reason: null },
    ]);
    const [row] = await service.sql`select losses from pdfprompt_job where id = ${suspect}`;
    expect(row).toEqual({ losses: 1 });
    gate.shut();
  }, 60_000);

  it('at 90 % the largest document is evicted, uncounted, and not confused with another that ends at that moment', async () => {
    const large = await submit({ html: LARGE });
    const small = await submit({ html: gate.html }, keys[0]);
    await eventually(() => gate.waiting === 2, 60_000, 'both are rendered, and the memory is taken');
    // The small one's process is killed by somebody else, before or after ours is.
    const [largest, ...others] = renderersBySize();
    expect(largest).toBeDefined();
    for (const pid of others) process.kill(pid, 'SIGKILL');
    ratio = 0.95;
    await eventually(
      () => service.lines.some((line) => line.includes('"event":"document.evicted"')),
      30_000,
      'one is evicted',
    );
    await eventually(() => state().pressure === 'critical', 30_000, 'it is critical');
    ratio = 0.5;
    gate.open();
    expect(await jobOf(small, keys[0])).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await jobOf(large)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await attemptsAt(large)).toEqual([
      { outcome: 'interrupted', reason: 'memory' },
      { outcome: 'done', reason: null },
    ]);
    expect(await attemptsAt(small)).toEqual([{ outcome: 'done', reason: null }]);
    expect(service.lines.filter((line) => line.includes('"reason":"memory"')).length).toBe(1);
    gate.shut();
  }, 60_000);

  it('at 90 % with no other document, a document that fills the memory alone fails with its own code', async () => {
    const large = await submit({ html: LARGE });
    await eventually(() => gate.waiting === 1, 60_000, 'the memory is taken');
    ratio = 0.95; // 150 MB above the 80 %, and it holds more
    expect(await jobOf(large)).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'memory_exceeded' } });
    ratio = 0.5;
  }, 60_000);

  it('at 95 % by another process, what runs goes on, nothing begins, and not one of 50 jobs has an attempt counted', async () => {
    const running = await submit({ html: '<p>small</p>', waitForTimeout: 3_000 });
    await eventually(() => state().busy === 1, 30_000, 'it runs');
    ratio = 0.95;
    await eventually(() => state().pressure === 'critical', 30_000, 'it is critical');
    const owners = Array.from({ length: 50 }, (_, index) => keys[index % keys.length] ?? service.key);
    const waiting = await Promise.all(owners.map((key) => submit({ html: '<p>waits</p>' }, key)));
    expect(await jobOf(running)).toMatchObject({ status: 'completed', attempts: 1 });
    const done = await completed();
    for (let look = 0; look < 30; look++, await sleep(100)) expect(state().busy).toBe(0);
    expect(await completed()).toBe(done);
    ratio = 0.5;
    const jobs = await Promise.all(waiting.map((id, index) => jobOf(id, owners[index], 60)));
    for (const job of jobs) expect(job).toMatchObject({ status: 'completed', attempts: 1 });
    const [retried] = await service.sql`select count(*)::int from pdfprompt_job_attempt where outcome = 'retry'`;
    expect(retried).toEqual({ count: 0 });
  }, 120_000);
});
