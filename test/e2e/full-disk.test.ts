/**
 * Mounts file systems, so it needs root, as whom the nightly run starts it once more. For anybody else its cases are
 * left out. What needs no mount is tried for everybody, with every change: that the kernel writes only a part
 * (test/integration/file-store.test.ts), and that a worker waits (test/integration/no-room.test.ts).
 *
 * @module-tag long
 */

import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Client, connect } from '../../src/db/driver.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { undoLater } from '../support/clean-up.ts';
import { type Cli, pdfprompt } from '../support/cli.ts';
import { createDatabase, openTestPool } from '../support/database.ts';
import { temporaryDataDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { eventually } from '../support/processes.ts';
import { scrape } from '../support/scrape.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { Traffic } from '../support/traffic.ts';

/** From when there is room until all is done. */
const ROOM_MS = 30_000;

interface Worker extends Cli {
  ops: number;
}

/** An API and two workers, with a key of a user without limits. */
async function startService(url: string, env: Record<string, string> = {}) {
  const settings = { DATABASE_URL: url, LOG_LEVEL: 'warn', DATABASE_MAX_CONNECTIONS: '8', SHUTDOWN_GRACE: '5', ...env };
  const pool = openTestPool(url);
  const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
  await pool.close();
  const api = pdfprompt(['serve', '--port', '0'], { env: settings });
  const startWorker = async (): Promise<Worker> => {
    const ops = await freePort();
    const worker = pdfprompt(['work', '--concurrency', '2'], { env: { ...settings, OPS_PORT: String(ops) } });
    await worker.until(/pdfprompt works/);
    return { ...worker, ops };
  };
  const [, address = ''] = await api.until(/serves at (http:\S+)/);
  return { address, key, api, startWorker, workers: [await startWorker(), await startWorker()] };
}

const lacksRoom = (place: string) => async (worker: Worker) =>
  (await scrape(worker.ops)).sum('pdfprompt_worker_has_room', { place }) === 0;
const isDown = lacksRoom('store');
const attemptsAt = async (workers: Worker[]) => {
  const scrapes = await Promise.all(workers.map(({ ops }) => scrape(ops)));
  return scrapes.reduce((sum, each) => sum + (each.sum('pdfprompt_pdf_attempts_total') ?? 0), 0);
};
const stillRun = (...processes: Cli[]) => {
  for (const { child } of processes) expect([child.exitCode, child.signalCode]).toEqual([null, null]);
};

/** Everything that was accepted is completed, whole, and charged once; what was refused was told to come again. */
async function expectAllWhole(traffic: Traffic, { sql, roomAt }: { sql: Client; roomAt: number }): Promise<void> {
  const open = async () =>
    (await sql`select 1 from pdfprompt_job where status not in ('completed', 'failed', 'cancelled') limit 1`).length;
  await eventually(async () => (await open()) === 0, ROOM_MS, 'everything accepted has ended');
  expect(performance.now() - roomAt).toBeLessThan(ROOM_MS);
  expect(await traffic.statuses()).toEqual({ completed: traffic.accepted.length });
  expect(await traffic.downloadAll()).toBe(traffic.accepted.length);
  expect(traffic.wrong).toEqual([]);
  for (const { status, retryAfter } of traffic.submissions) {
    expect([202, 503]).toContain(status);
    if (status === 503) expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
  }
  for (const { status } of traffic.downloads) expect([200, 409, 503]).toContain(status);
  const [usage] = await sql`
    select sum(completed)::int as charged,
      (select count(*)::int from pdfprompt_job where status = 'completed') as completed,
      (select count(*)::int from pdfprompt_job where attempts <> 1) as counted from pdfprompt_usage_history`;
  expect(usage).toMatchObject({ charged: usage?.completed, counted: 0 });
}

/** Some 80 KB of PDF, which is another each time. */
const document = (number: number) => ({
  html: `<h1>${number}</h1>${Array.from({ length: 400 }, (_, index) => `<p>${index * number} ${Math.random()}</p>`).join('')}`,
});

describe.runIf(isRoot())('the disk with the PDFs is full', () => {
  let disk: SmallDisk;
  let sql: Client;
  let service: Awaited<ReturnType<typeof startService>>;

  beforeAll(async () => {
    const database = await createDatabase();
    ({ sql } = database);
    disk = await SmallDisk.mount(128);
    service = await startService(database.url, { PDF_STORE: `file://${disk.path}` });
  });
  afterEach(() => disk.empty());

  it('twice under load: it says so, renders nothing in vain, and everything is done when there is room', async () => {
    const { address, key, workers } = service;
    const traffic = new Traffic({ address, key, body: document });
    let roomAt = 0;
    for (const round of [1, 2]) {
      await sleep(2_000);
      disk.fill();
      await eventually(async () => (await Promise.all(workers.map(isDown))).every(Boolean), 30_000, 'both say so');
      const answer = await fetch(`http://127.0.0.1:${workers[0]?.ops}/readyz`);
      expect([round, answer.status, await answer.text()]).toEqual([round, 503, expect.stringContaining('ENOSPC')]);
      for (const { ops } of workers) {
        const failed = (await scrape(ops)).sum('pdfprompt_store_writes_failed_total', { reason: 'ENOSPC' });
        expect(failed).toBeGreaterThan(0);
      }
      await sleep(1_000); // what was under way is rendered
      const attempts = await attemptsAt(workers);
      await sleep(3_000);
      expect(await attemptsAt(workers)).toBe(attempts);
      disk.empty();
      roomAt = performance.now();
      await eventually(async () => !(await isDown(workers[0] as Worker)), ROOM_MS, 'it is back');
    }
    await traffic.end();
    await expectAllWhole(traffic, { sql, roomAt });
    const [rendered] = await sql`select count(*)::int as times from pdfprompt_job_attempt`;
    expect(rendered?.times).toBe(traffic.accepted.length); // nothing twice: what was rendered waited for the room
    expect((await readdir(disk.path, { recursive: true })).filter((name) => /tmp|probe/.test(name))).toEqual([]);
    stillRun(service.api, ...workers);
  });

  it('while a worker is stopped: it gives back what it has, in order; another does it when there is room', async () => {
    const { address, key, workers } = service;
    const traffic = new Traffic({ address, key, body: document });
    disk.fill();
    const stopped = workers.pop() as Worker;
    await eventually(() => isDown(stopped), 30_000, 'it says so');
    const stoppedAt = performance.now();
    stopped.child.kill('SIGTERM');
    expect(await stopped.exited).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - stoppedAt).toBeLessThan(15_000);
    workers.push(await service.startWorker()); // a full disk is no reason not to start
    await traffic.end();
    disk.empty();
    await expectAllWhole(traffic, { sql, roomAt: performance.now() });
    expect(await sql`select 1 from pdfprompt_job where losses > 0`).toEqual([]);
  });
});

describe.runIf(isRoot())('the disk for temporary files is full', () => {
  it('under load: nothing fails or is rendered in vain, and everything is done when there is room', async () => {
    const { url, sql } = await createDatabase();
    const disk = await SmallDisk.mount(96);
    const { address, key, workers } = await startService(url, { TMPDIR: disk.path });
    const traffic = new Traffic({ address, key, body: document });
    await sleep(2_000);
    disk.fill();
    const isShort = lacksRoom('temporary');
    await eventually(async () => (await Promise.all(workers.map(isShort))).every(Boolean), 30_000, 'both say so');
    const answer = await fetch(`http://127.0.0.1:${workers[0]?.ops}/readyz`);
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining(`${disk.path} has 0 MB left`)]);
    await sleep(2_000);
    const attempts = await attemptsAt(workers);
    await sleep(4_000);
    expect(await attemptsAt(workers)).toBe(attempts);
    disk.empty();
    const roomAt = performance.now();
    await traffic.end();
    await expectAllWhole(traffic, { sql, roomAt });
    stillRun(...workers);
    for (const { child } of workers) child.kill('SIGTERM');
    for (const { exited } of workers) expect(await exited).toMatchObject({ code: 0 });
    expect(await readdir(disk.path)).toEqual([]);
  });
});

describe.runIf(isRoot())("Postgres's disk is full", () => {
  it('under load: 503, reads go on, nothing is lost, and everything is done when there is room', async () => {
    const disk = await SmallDisk.mount(400);
    const server = await OwnPostgres.open('-c max_connections=60', disk.path);
    undoLater(() => server.close());
    const sql = connect(server.url, { max: 2, backoff: () => 0.1 });
    undoLater(() => sql.end({ timeout: 1 }));
    const { address, key, api, workers } = await startService(server.url);
    const traffic = new Traffic({ address, key, body: document });
    await sleep(3_000);
    disk.fill();
    const fullAt = performance.now();
    await eventually(
      () => traffic.submissions.some(({ status, at }) => status === 503 && at > fullAt),
      60_000,
      'a document is refused',
    );
    await sleep(8_000);
    if (await server.isUp()) {
      const reads = traffic.downloads.filter(({ at }) => at > fullAt);
      expect(reads.some(({ status }) => status === 200)).toBe(true);
    }
    disk.empty();
    const roomAt = performance.now();
    if (!(await server.isUp())) await server.start(); // as whoever runs it does
    await sleep(1_000);
    await traffic.end();
    await expectAllWhole(traffic, { sql, roomAt });
    stillRun(api, ...workers);
  });

  it('so that it ends, and cannot start: our own is started again until it stays', async () => {
    const dataDir = await temporaryDataDirectory('own');
    await mkdir(join(dataDir, 'postgres'));
    const disk = await SmallDisk.mount(256, join(dataDir, 'postgres'));
    const own = { PDFPROMPT_DATA_DIR: dataDir };
    // Whoever comes first makes it; its address is the same as long as somebody uses it.
    const first = pdfprompt(['serve', '--port', '0'], { env: own });
    await first.until(/serves at/);
    const read = (name: string) => readFile(join(disk.path, 'data', name), 'utf8');
    const port = (await read('postmaster.pid')).split('\n')[3];
    const url = `postgres://pdfprompt:${await read('password')}@127.0.0.1:${port}/pdfprompt`;
    const { address, key, api, workers } = await startService(url, own);
    const sql = connect(url, { max: 1, backoff: () => 0.1 });
    undoLater(() => sql.end({ timeout: 1 }));
    const traffic = new Traffic({ address, key, body: document });
    await sleep(2_000);
    disk.fill();
    // Until its log needs another file.
    const fillLog = async () => {
      for (;;) await sql`select pg_logical_emit_message(false, 'full', ${'x'.repeat(1_000_000)}), pg_switch_wal()`;
    };
    await expect(fillLog()).rejects.toThrow(/./);
    await eventually(
      async () => (await read('../postgres.log')).includes('No space left on device'),
      30_000,
      'it ends',
    );
    await sleep(5_000);
    disk.empty();
    const roomAt = performance.now();
    await eventually(
      () => traffic.submissions.some(({ status, at }) => status === 202 && at > roomAt),
      ROOM_MS,
      'it is back',
    );
    await traffic.end();
    await expectAllWhole(traffic, { sql, roomAt });
    stillRun(first, api, ...workers);
    for (const { child } of [...workers, api, first]) child.kill('SIGTERM');
    for (const { exited } of [...workers, api, first]) expect(await exited).toMatchObject({ code: 0 });
  });
});
