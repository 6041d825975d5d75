import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { arrayLiteral } from '../../src/db/array-literal.ts';
import { type Client, connect } from '../../src/db/driver.ts';
import { type Database, openPool } from '../../src/db/pools.ts';
import { newSecret } from '../../src/deliveries/webhook-secret.ts';
import { createUnlimitedKey, principalOf } from '../support/accounts.ts';
import { OwnPostgres } from '../support/postgres.ts';
import { isAlive } from '../support/processes.ts';
import { judgeDeliveries, pathOf } from './delivery-oracle.ts';
import { END_EVENTS, Ends, type Endpoint, type Tenant } from './ends.ts';
import { Member } from './fleet.ts';
import { MovedClock } from './moved-clock.ts';
import type { Finding } from './oracle.ts';
import { type ReceiverKind, Receivers } from './receivers.ts';
import type { ChaosOptions, ChaosReport } from './run.ts';

const PROCESSES = 3;
/** The endpoints of each tenant, beside the good one that all have. */
const ENDPOINTS: ReceiverKind[][] = [
  ['slow', 'gone'], ['failing'], ['busy', 'dead'], ['lying', 'cut off'], ['garbage', 'redirecting'], ['endless'], ['silent'], [],
]; // prettier-ignore
/** Seconds by which the clock is moved at a time: while jobs end, and afterwards, when what is left waits for hours. */
const STEP_SECONDS = { first: 15, later: 3_600, laterInShort: 18_000 };
const TICK_MS = 400;
/** Milliseconds: longer than a claim lasts whose process was killed. */
const STILL_MS = 90_000;

interface DeliveriesChaosOptions extends ChaosOptions {
  /** nothing takes long: receivers hang for half a second, and what a killed process has claimed is free at once */
  isShort?: boolean;
}

/** Real processes deliver to receivers of every kind, while they are killed again and again. */
export async function runDeliveriesChaos(options: DeliveriesChaosOptions): Promise<ChaosReport> {
  const { jobs, faults, onProgress, isShort = false } = options;
  const startedAt = performance.now();
  const postgres = await OwnPostgres.open();
  const sql = connect(postgres.url, { max: 3, backoff: () => 0.1 });
  const pool = openPool({ url: postgres.url, max: 8, applicationName: 'chaos', idleTimeoutMs: 10_000, connectTimeoutMs: 5_000, prepare: true }); // prettier-ignore
  const clock = new MovedClock();
  const secrets = new Map<string, string[]>();
  const secretsOf = (path: string) => secrets.get(path) ?? secrets.get(path.split('/').slice(0, 3).join('/')) ?? [];
  const receivers = await Receivers.open({ clock, hangMs: isShort ? 500 : undefined, secretsOf });
  const env = {
    PDFPROMPT_DATA_DIR: postgres.directory,
    DATABASE_URL: postgres.url,
    LOG_LEVEL: 'info',
    SHUTDOWN_GRACE: '5',
    ...receivers.env,
  };
  const members = Array.from(
    { length: PROCESSES },
    (_, index) => new Member(`deliverer-${index}`, ['work', '--only', 'deliveries'], env, postgres.directory),
  );
  const happened: Record<string, number> = {};
  let isKept = false;
  try {
    const tenants = await makeTenants(pool.db, sql, receivers.urlOf, secrets);
    const ends = new Ends({ db: pool.db, sql, tenants, urlOf: receivers.urlOf });
    let isOver = false;
    const running = ends.run(jobs).finally(() => (isOver = true));
    const ticking = new AbortController();
    const tick = move(clock, sql, ticking.signal, async () => {
      if (!isOver) return STEP_SECONDS.first;
      if (!isShort) return STEP_SECONDS.later;
      // Each step is hours: on a busy machine days would go by between two tries, and an endpoint be switched off for that.
      return (await isIdle(sql)) ? STEP_SECONDS.laterInShort : 0;
    });
    const causing: Promise<void>[] = [];
    for (let fault = 0; fault < faults; fault++) {
      const from = performance.now();
      while (!isOver && ends.ledger.length < ((fault + 0.5) * jobs) / faults) await sleep(20);
      if (isOver) await sleep(Math.max(0, 250 - (performance.now() - from)));
      const [name, cause] = Object.entries(FAULTS)[fault % Object.keys(FAULTS).length] ?? [];
      if (name === undefined || !cause) throw new Error('there are no faults');
      happened[name] = (happened[name] ?? 0) + 1;
      onProgress(`${ends.ledger.length}/${jobs} ended · fault ${fault + 1}/${faults}: ${name}`);
      causing.push(cause({ member: members[fault % PROCESSES] as Member, sql, tenants, secrets }));
    }
    await running;
    await Promise.all(causing);
    if (isShort) await endClaims(sql);
    const seconds = () => Math.round((performance.now() - startedAt) / 1_000);
    onProgress(
      `${jobs} jobs have ended after ${seconds()} s, ${receivers.got.length} requests; waiting for what is left`,
    );
    await untilStill(sql, { isShort, onProgress });
    ticking.abort();
    await tick;
    onProgress(`still after ${seconds()} s; holding it against what was received`);
    const findings = await judgeDeliveries({ sql, ledger: ends.ledger, tenants, got: receivers.got });
    await Promise.all(members.map((member) => member.end()));
    findings.push(started(members));
    isKept = findings.every(({ wrong }) => wrong.length === 0);
    return { seconds: seconds(), faults: happened, sentAgain: 0, findings };
  } finally {
    await Promise.all(members.map((member) => member.end()));
    receivers.close();
    await pool.close();
    await sql.end({ timeout: 1 });
    await postgres.stop('immediate').catch(() => undefined);
    if (isKept) await rm(postgres.directory, { recursive: true, force: true });
    else onProgress(`the logs are in ${postgres.directory}`);
  }
}

interface Target {
  member: Member;
  sql: Client;
  tenants: Tenant[];
  secrets: Map<string, string[]>;
}

/** Those of living processes too, which then send what is another's. */
const endClaims = (sql: Client) => sql`update pdfprompt_delivery set claimed_until = now() where status = 'sending'`;

const nth = () => 1 + Math.floor(Math.random() * 20);

const FAULTS: Record<string, (target: Target) => Promise<void>> = {
  SIGKILL: ({ member }) => member.signal('SIGKILL'),
  'crash: delivery.sent': ({ member }) => member.crashAt(`delivery.sent:${nth()}`),
  'SIGKILL, and claims end at once': async ({ member, sql }) => {
    await member.signal('SIGKILL');
    await endClaims(sql);
  },
  'SIGSTOP 1 to 4 s': ({ member }) => member.freeze(1_000 + Math.random() * 3_000),
  'a secret is rotated': async ({ sql, tenants, secrets }) => {
    const endpoints = tenants.flatMap((tenant) => tenant.endpoints).filter((each) => each.secrets.length === 1);
    const endpoint = endpoints[Math.floor(Math.random() * endpoints.length)];
    if (!endpoint) return;
    endpoint.secrets.push(newSecret());
    secrets.set(pathOf(endpoint), endpoint.secrets);
    await sql`update pdfprompt_webhook set previous_secret = secret, previous_secret_until = now() + interval '1 hour',
      secret = ${endpoint.secrets[1] ?? ''} where id = ${endpoint.id}`;
  },
  'crash: delivery.claimed': ({ member }) => member.crashAt(`delivery.claimed:${nth()}`),
  'connections cut': async ({ sql }) => {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'pdfprompt%'`;
  },
};

export const DELIVERY_FAULTS = Object.keys(FAULTS).length;

async function makeTenants(
  db: Database,
  sql: Client,
  urlOf: Receivers['urlOf'],
  secrets: Map<string, string[]>,
): Promise<Tenant[]> {
  // prettier-ignore
  const tenants: Tenant[] = [];
  for (const [number, kinds] of ENDPOINTS.entries()) {
    const { key } = await createUnlimitedKey(db, `user${number}@example.com`);
    const principal = await principalOf(db, key);
    const own = newSecret();
    await sql`insert into pdfprompt_webhook_secret (user_id, secret) values (${principal.userId}, ${own})`;
    secrets.set(`/url/${number}`, [own]);
    const endpoints = [...kinds, 'good' as const].map((kind, index): Endpoint => {
      const events = index === 0 ? END_EVENTS : ([['job.failed', 'job.cancelled'], ['job.completed']] as const)[number % 2]; // prettier-ignore
      return { id: uuidv7(), kind, events: events ?? END_EVENTS, secrets: [newSecret()] };
    });
    for (const endpoint of endpoints) {
      await sql`insert into pdfprompt_webhook (id, user_id, url, events, secret)
        values (${endpoint.id}, ${principal.userId}, ${urlOf(endpoint.kind, pathOf(endpoint))}, ${arrayLiteral([...endpoint.events])}::text[], ${endpoint.secrets[0] ?? ''})`;
      secrets.set(pathOf(endpoint), endpoint.secrets);
    }
    tenants.push({ principal, endpoints });
  }
  return tenants;
}

/** @param step seconds by which the clock is moved next */
async function move(clock: MovedClock, sql: Client, signal: AbortSignal, step: () => Promise<number>): Promise<void> {
  while (!signal.aborted) {
    const seconds = await step();
    if (seconds > 0) await clock.move(sql, seconds);
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Whether all deliveries that are due were sent. */
async function isIdle(sql: Client): Promise<boolean> {
  const due = await sql`select 1 from pdfprompt_delivery
    where status in ('ready', 'sending') or (status = 'waiting' and due_at <= now()) limit 1`;
  return due.length === 0;
}

/** Until every delivery has ended, or none has for so long that none will. */
async function untilStill(
  sql: Client,
  { isShort, onProgress }: { isShort: boolean; onProgress: (line: string) => void },
): Promise<void> {
  let [before, since, times] = [-1, performance.now(), 0];
  for (; performance.now() - since < STILL_MS; await sleep(500)) {
    if (isShort && ++times % 10 === 0) await endClaims(sql); // longer than any receiver takes
    const rows = await sql<{ status: string; count: number }[]>`
      select status, count(*)::int as count from pdfprompt_delivery where ended_at is null group by 1 order by 1`;
    const left = rows.reduce((sum, { count }) => sum + count, 0);
    if (left === 0) return;
    if (left !== before) {
      since = performance.now();
      onProgress(`left: ${rows.map(({ status, count }) => `${count} ${status}`).join(', ')}`);
    }
    before = left;
  }
}

function started(members: Member[]): Finding {
  const pids = members.flatMap((member) => member.pids);
  return {
    what: 'processes were started, and none is left',
    count: pids.length,
    wrong: [
      ...pids.filter(isAlive).map(String),
      ...members.flatMap(({ refusals, name }) => (refusals > 0 ? [`${name} was refused its settings`] : [])),
    ],
  };
}
