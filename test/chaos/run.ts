import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, connect } from '../../src/db/driver.ts';
import { openPool } from '../../src/db/pools.ts';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { sweepBrowsers } from '../../src/render/chromium.ts';
import { createUnlimitedKey } from '../support/accounts.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { eventually, isAlive, runningCommands } from '../support/processes.ts';
import { Clients, type Promised } from './clients.ts';
import { FAULTS, type Ways } from './faults.ts';
import { Member, type Span } from './fleet.ts';
import { type Finding, judge } from './oracle.ts';
import { Sender } from './sender.ts';
import { freePort } from '../support/free-port.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const APIS = 2;
const WORKERS = 3;
const SLOTS = 6;
/** Milliseconds after an outage for which a worker may still be without a connection. */
const RECONNECT_MS = 2_000;
/** Milliseconds: longer than a claim lasts that nobody settles. */
const STILL_MS = 180_000;

export interface ChaosOptions {
  jobs: number;
  faults: number;
  onProgress: (line: string) => void;
}

/** Where it takes place. */
export interface Scene {
  directory: string;
  sql: Client;
  /** of the APIs */
  addresses: string[];
  /** of three users without limits */
  keys: string[];
  jobs: number;
  onProgress: (line: string) => void;
}

/** What is done while everything is ended, and what has to come of it. */
export interface Load {
  /** of every process */
  env?: Record<string, string>;
  faults: typeof FAULTS;
  /** how far it is, of `jobs`: faults are spread over that */
  done: () => number;
  run: () => Promise<void>;
  /** requests that clients had to send again */
  sentAgain: () => number;
  judge: (faulted: Set<number>) => Promise<Finding[]>;
  close?: () => void;
}

export interface ChaosReport {
  seconds: number;
  /** how often each happened */
  faults: Record<string, number>;
  /** requests that clients had to send again */
  sentAgain: number;
  findings: Finding[];
}

/** Real processes on a real Postgres, under load, while everything that can be ended is ended at random. */
export async function runChaos(
  { jobs, faults, onProgress }: ChaosOptions,
  prepare: (scene: Scene) => Promise<Load> = singleJobs,
): Promise<ChaosReport> {
  const startedAt = performance.now();
  const postgres = await OwnPostgres.open();
  const { directory } = postgres;
  await findChromium({ chromePath: undefined, dataDir: directory });
  const keys = await makeKeys(postgres.url);
  const ports = await Promise.all(Array.from({ length: APIS }, freePort));
  const addresses = ports.map((port) => `http://127.0.0.1:${port}`);
  const sql = connect(postgres.url, { max: 2, backoff: () => 0.1 });
  const load = await prepare({ directory, sql, addresses, keys, jobs, onProgress });
  const env = {
    PDFPROMPT_DATA_DIR: directory,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    SHUTDOWN_GRACE: '2',
    DATABASE_MAX_CONNECTIONS: '8',
    CHAOS_DOCUMENTS: '1',
    ...load.env,
  };
  const ways = new Map<Member, Ways>();
  const start = async (name: string, arguments_: string[]) => {
    const [pool, session] = [await openWay(postgres.url), await openWay(postgres.url)];
    const urls = { DATABASE_URL: pool.url, DATABASE_DIRECT_URL: session.url };
    const member = new Member(name, arguments_, { ...env, ...urls }, directory);
    ways.set(member, { pool: pool.way, session: session.way });
    return member;
  };
  const apis = await Promise.all(ports.map((port, index) => start(`api-${index}`, ['serve', '--port', String(port)])));
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, (_, index) => start(`worker-${index}`, ['work', '--concurrency', '2'])),
  );
  const members = [...apis, ...workers];
  const closeWays = async () => {
    await Promise.all([...ways.values()].flatMap(({ pool, session }) => [pool.close(), session.close()]));
    ways.clear();
  };
  const waysOf = (member: Member) => ways.get(member) as Ways;
  const happened: Record<string, number> = {};
  let isKept = false;
  try {
    await eventually(async () => (await sql`select 1 from pdfprompt_worker`).length >= WORKERS, 60_000, 'all work');
    let isOver = false;
    const running = load.run().finally(() => {
      isOver = true;
    });
    const names = Object.keys(load.faults);
    const stride = [7, 11, 13].find((step) => names.length % step !== 0) ?? 1; // a divisor would leave kinds out
    const causing: Promise<void>[] = [];
    const outages: Span[] = [];
    for (let fault = 0; fault < faults; fault++) {
      // Spread over the whole load, whatever that takes.
      while (!isOver && load.done() < ((fault + 0.5) * jobs) / faults) await sleep(50);
      const name = names[(fault * stride) % names.length] ?? ''; // every kind in turn, neighbours apart
      happened[name] = (happened[name] ?? 0) + 1;
      onProgress(`${load.done()}/${jobs} · fault ${fault + 1}/${faults}: ${name}`);
      const caused = load.faults[name]?.({ apis, workers, postgres, sql, waysOf }).catch((error: unknown) => {
        onProgress(`${name}: ${String(error)}`);
      });
      // Postgres has to be back before the next can end it; the rest may overlap.
      if (name.startsWith('Postgres')) {
        const from = performance.now();
        await caused;
        outages.push({ from, until: performance.now() + RECONNECT_MS });
      } else causing.push(caused ?? Promise.resolve());
    }
    await running;
    await Promise.all(causing);
    onProgress(`${load.done()}/${jobs}; waiting for what is left`);
    await untilStill(sql);
    await eventually(
      async () => (await fetch(`${addresses[0]}/readyz`).catch(() => ({ ok: false }))).ok,
      30_000,
      'ready',
    );

    onProgress('holding it against what was promised');
    const faulted = new Set(workers.flatMap((worker) => [...worker.faulted]));
    // Who has to end while the database is away cannot give its jobs back, however long it tries.
    for (const { pid, from, until } of workers.flatMap((worker) => worker.ended))
      if (outages.some((outage) => outage.from < until && from < outage.until)) faulted.add(pid);
    const findings = await load.judge(faulted);
    findings.push(await connections(sql, members.length), crashes(members));
    await Promise.all(members.map((member) => member.end()));
    await closeWays();
    await sql.end({ timeout: 1 });
    await postgres.stop('fast');
    findings.push(await leftovers(members, directory));
    isKept = findings.every(({ wrong }) => wrong.length === 0);
    return {
      seconds: Math.round((performance.now() - startedAt) / 1_000),
      faults: happened,
      sentAgain: load.sentAgain(),
      findings,
    };
  } finally {
    await Promise.all(members.map((member) => member.end()));
    load.close?.();
    await closeWays();
    await sql.end({ timeout: 0 });
    await sweepBrowsers(tmpdir());
    await postgres.stop('immediate').catch(() => undefined);
    if (isKept) await rm(directory, { recursive: true, force: true });
    else onProgress(`the logs are in ${directory}`);
  }
}

/** Jobs of all kinds, submitted one by one. */
async function singleJobs({ directory, sql, addresses, keys, jobs }: Scene): Promise<Load> {
  const sender = new Sender(addresses);
  const clients = new Clients({
    sender,
    keys,
    jobs,
    slots: SLOTS,
    pauseMs: () => 100 + Math.random() * 500,
    ledgerPath: join(directory, 'ledger.jsonl'),
  });
  return {
    faults: FAULTS,
    done: () => clients.ledger.length,
    run: () => clients.run(),
    sentAgain: () => sender.refused,
    judge: async (faulted) =>
      judge({ sql, ledger: clients.ledger, address: addresses[0] ?? '', keyOf: await keysOfJobs(sql, keys), faulted }),
  };
}

/** @returns whose key it is that may read a job */
export async function keysOfJobs(sql: Client, keys: string[]): Promise<(promised: Promised) => string> {
  const owners = await sql<{ id: string; email: string }[]>`
    select j.id, u.email from pdfprompt_job j join pdfprompt_user u on u.id = j.user_id`;
  const owner = new Map(owners.map(({ id, email }) => [id, keys[Number(email.split('@')[0]?.slice(4))] ?? '']));
  return ({ id }) => owner.get(id) ?? '';
}

/** Until every job has ended, or none has for so long that none will. */
async function untilStill(sql: Client): Promise<void> {
  for (let [before, since] = [-1, performance.now()]; performance.now() - since < STILL_MS; await sleep(500)) {
    const [row] = await sql<{ left: number }[]>`
      select count(*)::int as left from pdfprompt_job where status in ('queued', 'processing')`;
    const left = row?.left ?? 0;
    if (left === 0) return;
    if (left !== before) since = performance.now();
    before = left;
  }
}

/** A way to the server of its own, which can be cut and go silent. */
async function openWay(url: string): Promise<{ way: TcpProxy; url: string }> {
  const through = new URL(url);
  const way = await TcpProxy.open(Number(through.port));
  through.port = String(way.port);
  return { way, url: through.href };
}

async function makeKeys(url: string): Promise<string[]> {
  const options = { url, idleTimeoutMs: 1_000, connectTimeoutMs: 5_000, prepare: false };
  const pool = openPool({ ...options, max: 1, applicationName: 'chaos' });
  const keys: string[] = [];
  for (let user = 0; user < 3; user++) keys.push((await createUnlimitedKey(pool.db, `user${user}@example.com`)).key);
  await pool.close();
  return keys;
}

function crashes(members: Member[]): Finding {
  const refused = members.filter(({ refusals }) => refusals > 0).map(({ name }) => `${name} was refused its settings`);
  const count = members.reduce((sum, member) => sum + member.crashes, 0);
  return { what: 'processes died at the point they were told to', count, wrong: refused };
}

/** Each process has its pool and a session or two; more would grow with every fault. */
async function connections(sql: Client, processes: number): Promise<Finding> {
  const most = processes * (8 + 2);
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from pg_stat_activity where application_name like 'pdfprompt%'`;
  const count = row?.count ?? 0;
  return { what: `connections, at most ${most}`, count, wrong: count > most ? [`${count}`] : [] };
}

async function leftovers(members: Member[], directory: string): Promise<Finding> {
  const pids = members.flatMap((member) => member.pids);
  const running = () => runningCommands().filter((command) => command.includes(directory));
  await sweepBrowsers(tmpdir()); // of those that were killed last, after whom none was started
  // A server is gone a moment after it has said so.
  for (let waited = 0; waited < 5_000 && running().length > 0; waited += 100) await sleep(100);
  const profiles = (await readdir(tmpdir())).filter((name) => pids.some((pid) => name.includes(`-${pid}-`)));
  return {
    what: 'processes were started, and none of them or theirs is left',
    count: pids.length,
    wrong: [...pids.filter(isAlive).map(String), ...running(), ...profiles],
  };
}
