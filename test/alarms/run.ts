import { setTimeout as sleep } from 'node:timers/promises';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '../../src/db/driver.ts';
import { openPool } from '../../src/db/pools.ts';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { sweepBrowsers } from '../../src/render/chromium.ts';
import { Member } from '../chaos/fleet.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { freePort } from '../support/free-port.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { eventually } from '../support/processes.ts';
import { Prometheus, readRules } from '../support/prometheus.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { openStandby } from '../support/standby.ts';
import { FAULTS, type Target } from './faults.ts';
import { openReceiver } from './receiver.ts';
import { startWorkerBeside, type WorkerBeside } from './worker-beside.ts';

const run = promisify(execFile);

/** What takes minutes takes as many times less; but who counts the queue may need 20 s to follow another. */
const FACTOR = 10;
const SHORTEST_SECONDS = 30;

export interface Alarm {
  fault: string;
  expected: string[];
  /** what may fire besides, for it is a consequence */
  consequences: string[];
  fired: string[];
  /** until all that were expected fired */
  seconds: number;
  ok: boolean;
}

/** The rules with every window and every pause shortened. */
function scaled(rules: string): string {
  const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };
  return rules
    .replaceAll(/(\[|for: )(\d+)([smhd])\b/g, (_, before: string, count: string, unit: keyof typeof SECONDS) => {
      const seconds = (Number(count) * SECONDS[unit]) / FACTOR;
      return `${before}${Math.max(before === '[' ? SHORTEST_SECONDS : 1, Math.round(seconds))}s`;
    })
    .replaceAll(/interval: \w+/g, 'interval: 1s');
}

/** Plants each fault in a service of its own that is used meanwhile, and sees which alarms go off. */
export async function* runAlarms(names: string[]): AsyncGenerator<Alarm> {
  for (const name of names) yield await plant(name);
}

async function plant(name: string): Promise<Alarm> {
  const fault = FAULTS[name];
  if (!fault) throw new Error(`there is no fault ${name}; allowed: ${Object.keys(FAULTS).join(', ')}`);
  const primary = await OwnPostgres.open('-c max_connections=60');
  const standby = fault.needsStandby ? await openStandby(primary) : undefined;
  const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-alarms-'));
  const { directory: dataDir } = primary;
  await findChromium({ chromePath: undefined, dataDir });
  const key = await makeKey(primary.url);
  const [port, apiOps, workOps, besideOps] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const receiver = fault.needsReceiver && (await openReceiver());
  const store = fault.needsStore ? join(directory, 'pdfs') : undefined;
  if (fault.needsDisk !== undefined && store !== undefined) {
    await mkdir(store);
    await run('mount', ['-t', 'tmpfs', '-o', `size=${fault.needsDisk}m,mode=755`, 'tmpfs', store]);
  }
  const env = {
    DATABASE_URL: primary.url,
    ...(store !== undefined && { PDF_STORE: `file://${store}` }),
    PDFPROMPT_DATA_DIR: dataDir,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    SHUTDOWN_GRACE: '1',
    DATABASE_MAX_CONNECTIONS: '8',
    ...(receiver && { EGRESS_ALLOW: receiver.authority, DELIVERY_CONCURRENCY: String(fault.needsReceiver?.atATime) }),
  };
  const api = new Member(
    'api',
    ['serve', '--port', String(port)],
    { ...env, OPS_PORT: String(apiOps), ...(standby && { DATABASE_READ_REPLICA_URL: standby.url }) },
    directory,
  );
  const direct = new URL(primary.url);
  const way = fault.needsWayForSession ? await TcpProxy.open(Number(direct.port)) : undefined;
  if (way) direct.port = String(way.port);
  const worker = new Member(
    'worker',
    ['work', '--concurrency', '2'],
    {
      ...env,
      OPS_PORT: String(workOps),
      ...(way && { DATABASE_DIRECT_URL: direct.href }),
      ...(fault.needsReceiver?.sentBy === 'sender' && { WORK_ONLY: 'jobs' }),
    },
    directory,
  );
  const sender =
    fault.needsReceiver?.sentBy === 'sender'
      ? new Member('sender', ['work'], { ...env, WORK_ONLY: 'deliveries', OPS_PORT: String(besideOps) }, directory)
      : undefined;
  const sql = connect(primary.url, { max: 1, backoff: () => 0.1 });
  const stop = new AbortController();
  let prometheus: Prometheus | undefined;
  let beside: WorkerBeside | undefined;
  const ops = [apiOps, workOps, ...(fault.needsWorkerBeside || sender ? [besideOps] : [])];
  const target: Target = {
    api,
    worker,
    primary,
    standby,
    beside: undefined,
    receiver,
    sender,
    way,
    store,
    sql,
    address: `http://127.0.0.1:${port}`,
    key,
    signal: stop.signal,
  };
  let using: Promise<void> = Promise.resolve();
  try {
    if (fault.needsWorkerBeside) beside = await startWorkerBeside({ ...env, OPS_PORT: String(besideOps) });
    await eventually(
      async () => (await Promise.all(ops.map(isReady))).every(Boolean),
      120_000,
      'the API and the worker are ready',
    );
    prometheus = await Prometheus.open({
      targets: ops.map((each) => `127.0.0.1:${each}`),
      rules: scaled(await readRules()),
    });
    using = use(target, {
      html: '<p>fine</p>',
      ...fault.documents,
      ...(receiver && { webhook: `http://${receiver.authority}/` }),
    });
    const fired = new Set<string>();
    const look = async () => {
      for (const { metric } of (await prometheus?.query('ALERTS{alertstate="firing"}')) ?? [])
        fired.add(metric['alertname']?.replace('Pdfprompt', '') ?? '');
    };
    if (!fault.documents) {
      await sleep(20_000); // as a healthy service, in which nothing may fire
      await look();
      if (fired.size > 0) throw new Error(`fired before the fault: ${[...fired].join(' ')}`);
    }
    const startedAt = performance.now();
    await fault.plant({ ...target, beside });
    const hasAll = () => fault.expected.every((alert) => fired.has(alert));
    for (; !hasAll() && performance.now() - startedAt < 180_000; await sleep(500)) await look();
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    for (const until = performance.now() + 10_000; performance.now() < until; await sleep(500)) await look(); // what follows from it
    const allowed = new Set([...fault.expected, ...fault.consequences]);
    const ok = hasAll() && [...fired].every((alert) => allowed.has(alert));
    return {
      fault: name,
      expected: fault.expected,
      consequences: fault.consequences,
      fired: [...fired].toSorted(),
      seconds,
      ok,
    };
  } finally {
    stop.abort();
    await using;
    await prometheus?.close();
    if (worker.isAlive) process.kill(worker.pid, 'SIGCONT');
    await beside?.stop();
    await Promise.all([api.end(), worker.end(), sender?.end()]);
    receiver?.close();
    await way?.close();
    await sql.end({ timeout: 0 });
    await sweepBrowsers(tmpdir());
    await standby?.close();
    await primary.close();
    if (fault.needsDisk !== undefined && store !== undefined) await run('umount', ['--lazy', store]);
    await rm(directory, { recursive: true, force: true });
  }
}

const isReady = (ops: number) =>
  fetch(`http://127.0.0.1:${ops}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Users: two documents a second, and a look at the list. What is refused is not sent again. */
async function use({ address, key, signal }: Target, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  while (!signal.aborted) {
    const ask = { method: 'POST', headers, body: JSON.stringify(body), signal };
    await fetch(`${address}/v1/jobs`, ask).catch(() => undefined);
    await fetch(`${address}/v1/jobs?limit=1`, { headers, signal }).catch(() => undefined);
    await sleep(500, undefined, { signal }).catch(() => undefined);
  }
}

async function makeKey(url: string): Promise<string> {
  const pool = openPool({
    url,
    max: 1,
    applicationName: 'alarms',
    idleTimeoutMs: 1_000,
    connectTimeoutMs: 5_000,
    prepare: false,
  });
  const { key } = await createUnlimitedKey(pool.db, 'ann@example.com');
  await pool.close();
  return key;
}
