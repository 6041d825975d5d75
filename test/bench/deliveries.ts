import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Principal } from '../../src/accounts/principals.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { submitJob } from '../../src/jobs/submit.ts';
import { Stores } from '../../src/storage/stores.ts';
import { doneWith } from '../support/outcomes.ts';
import { silentEvents } from '../support/silent-events.ts';
import { percentile, type Result, spread, type Stage } from './stage.ts';

const ROUNDS = 300;
/** Longer than a receiver may hang: the first have been given up, and others have their places. */
const ROUNDS_BESIDE = 170;
const FLOOD = 5_000;
const HOSTS = 5_000;
const PAUSE_MS = 40;
const CROWD = 50;
const WORKER = '01a20b1c-7e0d-7435-94b8-00000000000d';
const RETENTION_MS = 3_600_000;

/**
 * From the commit that ends a job until its webhook is there, in another process: idle, and beside a tenant whose
 * receivers hang; and how many there are a second to a receiver that is quick.
 */
export async function deliveries(stage: Stage): Promise<Result> {
  const sites = await Sites.open();
  const stop = await stage.startAndStop(['work', '--only', 'deliveries'], /pdfprompt delivers/, {
    env: sites.env,
  });
  const jobs = await Jobs.open(stage);
  const [quiet, flooder] = [await stage.principal('quiet@example.com'), await stage.principal('flood@example.com')];
  const good = sites.url('127.0.0.1', '/good/');
  /** The webhooks of one tenant, one after the other. @returns milliseconds of each */
  const follow = async (principal: Principal, rounds: number, url = good) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await sleep(PAUSE_MS * (0.5 + Math.random()));
      const id = await jobs.claimed(principal, url);
      const received = sites.received(id);
      await jobs.complete(id);
      const committedAt = performance.now();
      times.push(Math.max(0, (await received) - committedAt));
    }
    return times;
  };
  try {
    await follow(quiet, 20);
    const idle = await follow(quiet, ROUNDS);
    const beside = async (urls: (index: number) => string, who = quiet) => {
      const url = new URL(urls(0)).pathname === '/good/' ? urls(0) : good;
      await flood(stage, flooder, urls);
      await sleep(1_500); // it has its places
      const times = await follow(who, ROUNDS_BESIDE, url);
      if (sites.hanging === 0) throw new Error('nothing hangs');
      await stage.sql`delete from pdfprompt_delivery where user_id = ${flooder.userId}`;
      sites.cut();
      await sleep(1_000);
      return times;
    };
    const besideMany = async () => {
      const users = await Promise.all(
        Array.from({ length: CROWD }, (_, index) => stage.principal(`crowd${index}@example.com`)),
      );
      for (const [index, user] of users.entries())
        await flood(stage, user, () => sites.url(hostOf(index), '/hangs/'), FLOOD / CROWD);
      await sleep(1_500);
      const times = await follow(quiet, ROUNDS_BESIDE);
      for (const { userId } of users) await stage.sql`delete from pdfprompt_delivery where user_id = ${userId}`;
      sites.cut();
      await sleep(1_000);
      return times;
    };
    const oneHost = await beside(() => sites.url('127.0.0.2', '/hangs/'));
    const manyHosts = await beside((index) => sites.url(hostOf(index), '/hangs/'));
    const again = await follow(quiet, ROUNDS_BESIDE);
    const own = await beside((index) => (index === 0 ? good : sites.url('127.0.0.3', '/hangs/')), flooder);
    const crowd = await besideMany();
    const rate = await throughput(stage, flooder, sites);
    const limit = 2 * percentile(idle, 95);
    return {
      'end of job committed → received, idle': spread(idle),
      'targets: p50 at most 25 ms, p99 at most 100 ms': verdict(percentile(idle, 50) <= 25 && percentile(idle, 99) <= 100), // prettier-ignore
      [`beside ${FLOOD} of another tenant to a host that hangs`]: spread(oneHost),
      [`beside ${FLOOD} to ${HOSTS} hosts that hang`]: spread(manyHosts),
      'idle again': spread(again),
      'a tenant with one host that hangs, to its good one': spread(own),
      [`beside ${FLOOD} of ${CROWD} tenants, each with a host that hangs`]: spread(crowd),
      [`target: p95 of each at most 2 × idle, ${Math.round(limit * 10) / 10} ms`]: verdict(
        [oneHost, manyHosts, own, crowd].every((times) => percentile(times, 95) <= limit),
      ),
      [`${FLOOD} to a quick receiver, a second`]: Math.round(rate),
    };
  } finally {
    await stop();
    await jobs.close();
    sites.close();
  }
}

const verdict = (isMet: boolean) => (isMet ? 'met' : 'NOT MET');
const hostOf = (index: number) => `127.1.${Math.floor(index / 250)}.${1 + (index % 250)}`;

/** Deliveries of one tenant that are all ready at once, as when a receiver comes back, or never does. */
async function flood(
  stage: Stage,
  { userId }: Principal,
  url: (index: number) => string,
  count = FLOOD,
): Promise<void> {
  const rows = JSON.stringify(Array.from({ length: count }, (_, index) => url(index)));
  await stage.sql`
    with added as (
      insert into pdfprompt_delivery (id, user_id, kind, url, host, event, status, ready_at)
      select gen_random_uuid(), ${userId}, 'webhook', u.url, pdfprompt_host_of(u.url), 'test', 'ready', clock_timestamp()
      from json_array_elements_text(${rows}::text::json) as u (url) returning 1
    )
    select pg_notify('pdfprompt_deliveries', '') from added limit 1`;
}

/** From the first to the last that is received. @returns a second */
async function throughput(stage: Stage, principal: Principal, sites: Sites): Promise<number> {
  const from = performance.now();
  const before = sites.count;
  await flood(stage, principal, () => sites.url('127.0.0.1', '/good/'));
  while (sites.count - before < FLOOD) await sleep(5);
  return (FLOOD / (performance.now() - from)) * 1_000;
}

/** One web server at many addresses of the loopback. By the path, it answers at once or never. */
class Sites {
  count = 0;
  readonly #servers: Server[] = [];
  readonly #hanging = new Set<ServerResponse>();
  readonly #waiting = new Map<string, (at: number) => void>();
  #port = 0;

  static async open(): Promise<Sites> {
    const sites = new Sites();
    for (const host of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) await sites.#listen(host);
    for (let index = 0; index < HOSTS; index++) await sites.#listen(hostOf(index));
    return sites;
  }

  get env(): Record<string, string> {
    return { EGRESS_ALLOW: `127.0.0.0/8:${this.#port}` };
  }

  url(host: string, path: string): string {
    return `http://${host}:${this.#port}${path}`;
  }

  /** @returns when the webhook of this job has come */
  received(jobId: string): Promise<number> {
    return new Promise((done) => this.#waiting.set(jobId, done));
  }

  /** requests that wait for their answer */
  get hanging(): number {
    return [...this.#hanging].filter((response) => !response.destroyed).length;
  }

  /** Those that hang are closed. */
  cut(): void {
    for (const response of this.#hanging) response.destroy();
    this.#hanging.clear();
  }

  close(): void {
    this.cut();
    for (const server of this.#servers) server.close();
  }

  async #listen(host: string): Promise<void> {
    const server = createServer((request, response) => {
      const at = performance.now();
      if (request.url === '/hangs/') {
        request.resume();
        this.#hanging.add(response);
        return;
      }
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.once('end', () => {
        this.count++;
        response.writeHead(204).end();
        const { data } = JSON.parse(Buffer.concat(pieces).toString()) as { data: { id?: string } };
        this.#waiting.get(data.id ?? '')?.(at);
      });
    });
    server.listen(this.#port, host);
    await once(server, 'listening');
    this.#port ||= (server.address() as AddressInfo).port;
    this.#servers.push(server);
  }
}

/** Jobs that are under way, and end when it is said. Only their submission, claim and end are real. */
class Jobs {
  readonly #stage: Stage;
  readonly #queue: Awaited<ReturnType<Stage['queue']>>;
  readonly #claimed = new Map<string, Awaited<ReturnType<typeof claimJobs>>[number]>();

  private constructor(stage: Stage, queue: Awaited<ReturnType<Stage['queue']>>) {
    this.#stage = stage;
    this.#queue = queue;
  }

  static async open(stage: Stage): Promise<Jobs> {
    await stage.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${WORKER}, 'bench', 1, 1, 'bench')`;
    return new Jobs(stage, await stage.queue());
  }

  close(): Promise<void> {
    return this.#queue.stop();
  }

  async claimed(principal: Principal, webhook: string): Promise<string> {
    const { pool, limiter, sql } = this.#stage;
    const { db } = pool;
    const events = silentEvents();
    const parsed = parsePdfRequest({ html: '<p>x</p>', webhook });
    if (!parsed.ok) throw new Error('the benchmark does not fit the code');
    const { job } = await submitJob({ db, reads: db, events, limiter }, { principal, request: parsed.request });
    await sql`update pdfprompt_worker set seen_at = now() where id = ${WORKER}`;
    const [claimed] = await claimJobs({ db, queue: this.#queue, events }, { workerId: WORKER, count: 1 });
    if (claimed?.id !== job.id) throw new Error('another job was claimed');
    this.#claimed.set(job.id, claimed);
    return job.id;
  }

  /** Resolves when it is committed. */
  async complete(id: string): Promise<void> {
    const { db } = this.#stage.pool;
    const claimed = this.#claimed.get(id);
    if (!claimed) throw new Error('the job is not under way');
    this.#claimed.delete(id);
    const deps = { db, queue: this.#queue, stores: new Stores({ pdfStore: { kind: 'postgres' } }), retentionMs: RETENTION_MS }; // prettier-ignore
    await finishJob(deps, claimed, doneWith(Buffer.from('%PDF-1.7')));
  }
}
