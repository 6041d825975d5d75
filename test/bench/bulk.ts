import { setTimeout as sleep } from 'node:timers/promises';
import { createKey } from '../../src/accounts/keys.ts';
import { QueueWatch } from '../../src/jobs/queue-watch.ts';
import { claimJobs } from '../../src/jobs/claim.ts';
import { finishJob } from '../../src/jobs/finish.ts';
import { Stores } from '../../src/storage/stores.ts';
import { signIn } from '../support/console.ts';
import { asker } from '../support/guests.ts';
import { doneWith } from '../support/outcomes.ts';
import { acceptRows } from '../support/send-batch.ts';
import { eventually } from '../support/processes.ts';
import { silentEvents } from '../support/silent-events.ts';
import type { BenchOptions } from './options.ts';
import type { Result, Stage } from './stage.ts';

const ROWS = 100_000;
/** Of the batches before and after it, with which it is compared. */
const FEW = 1_000;
const SAMPLES = 60;
const COUNTS = 10;
/** Jobs of the other tenant, which have ended before. */
const EARLIER = 500;
/** Workers that do everything but render, and the jobs that each claims at a time. */
const LANES = 3;
const CLAIMED_AT_A_TIME = 8;
/** How much slower anything may become. */
const MOST = 1.3;
/** Milliseconds below which a difference says nothing. */
const NOISE_MS = 0.3;
/** Seconds without a vacuum until Postgres counts as at rest, and when that is no longer waited for. */
const REST_SECONDS = 20;
const MOST_REST_SECONDS = 180;
const WORKER = '01a20b1c-7e0d-7435-94b8-00000000001b';
const DONE = doneWith(Buffer.from('%PDF-1.7 of a benchmark'));
const TABLES = ['pdfprompt_job', 'pdfprompt_part', 'pdfprompt_job_attempt', 'pdfprompt_file', 'pdfprompt_batch_count'];

/**
 * A batch of a hundred thousand tiny documents, which are not rendered: what anybody asks of the database before it, with all
 * of it queued, with half of it done, and after it.
 */
export async function bulk(stage: Stage, { rows = ROWS }: BenchOptions): Promise<Result> {
  const { address } = await stage.serve({ CONSOLE: 'on' });
  const bulkKey = (await stage.user('bulk@example.com')).key;
  const otherKey = (await stage.user('other@example.com')).key;
  const ask = asker(address);
  await ask({ key: bulkKey }, 'PUT', '/v1/templates/tiny', 201, {
    body: { files: { 'index.html': { text: '<p>{{ number }}</p>' } } },
  });
  const work = await Work.open(stage);
  const accept = async (count: number) => {
    const csv = `number\n${Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('')}`;
    const startedAt = performance.now();
    const batch = await acceptRows(address, bulkKey, { common: { request: { template: 'tiny' } }, csv });
    return { id: batch.id, seconds: (performance.now() - startedAt) / 1_000 };
  };
  for (let job = 0; job < EARLIER; job++)
    await ask({ key: otherKey }, 'POST', '/v1/jobs', 202, { body: { html: '<p>x</p>' } });
  await accept(FEW);
  await work.drain();

  const visits = await Visits.open(stage, { address, bulkKey, otherKey, work });
  const few = await accept(FEW);
  await visits.measure('before', few.id, { isWarmUp: true });
  await visits.measure('before', few.id);
  await work.drain();
  const result: Result = { 'database before, MB': await megabytes(stage) };

  const many = await accept(rows);
  result[`${rows} rows accepted, s`] = round(many.seconds);
  result['database with all of them queued, MB'] = await megabytes(stage);
  await visits.measure('queued', many.id);
  const rates: number[] = [];
  for (let tenth = 1; tenth <= 10; tenth++) {
    rates.push(await work.drain(Math.ceil(rows / 10)));
    process.stderr.write(`${tenth * 10} % done, ${Math.round(rates.at(-1) ?? 0)}/s\n`);
    if (tenth !== 5) continue;
    await visits.measure('half', many.id);
    await rested(stage);
    await visits.measure('half, rested', many.id);
  }
  await work.drain();
  result['database when they have ended, MB'] = await megabytes(stage);
  const end = await ask({ key: bulkKey }, 'GET', `/v1/batches/${many.id}`, 200);
  result['the batch'] = JSON.stringify((end as { items: object }).items);
  result['drained by workers that do not render, jobs/s, by tenths'] = rates.map(Math.round).join(' ');
  result['slowest tenth, of the first'] = round(Math.min(...rates) / (rates[0] ?? 1));

  const later = await accept(FEW);
  result[`${FEW} rows accepted before, s`] = round(few.seconds);
  result[`${FEW} rows accepted after, s`] = round(later.seconds);
  await visits.measure('after', later.id);
  await work.close();
  return { ...result, ...visits.table(), ...(await tables(stage)) };
}

/** Nearest-rank, unrounded: most of what is compared takes a millisecond or two. */
function quantile(values: number[] = [], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

const round = (value: number) => Math.round(value * 100) / 100;

async function megabytes({ sql }: Stage): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`select pg_database_size(current_database())::float as bytes`;
  return Math.round((row?.bytes ?? 0) / 1e6);
}

/** Until Postgres has cleaned up behind the work. */
async function rested({ sql }: Stage): Promise<void> {
  const isAtRest = async () => {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity where backend_type = 'autovacuum worker'`;
    return row?.count === 0;
  };
  let quiet = 0;
  for (let second = 0; second < MOST_REST_SECONDS && quiet < REST_SECONDS; second++) {
    await sleep(1_000);
    quiet = (await isAtRest()) ? quiet + 1 : 0;
  }
}

async function tables({ sql }: Stage): Promise<Result> {
  const result: Result = {};
  for (const table of TABLES) {
    const [row] = await sql<{ table: number; indexes: number; dead: number }[]>`
      select pg_table_size(${table}::regclass)::float as table, pg_indexes_size(${table}::regclass)::float as indexes,
        (select n_dead_tup::int from pg_stat_user_tables where relid = ${table}::regclass) as dead`;
    const [size, indexes] = [row?.table ?? 0, row?.indexes ?? 0].map((bytes) => Math.round(bytes / 1e6));
    result[`${table} at the end`] = `${size} MB, indexes ${indexes} MB, ${row?.dead} dead rows`;
  }
  return result;
}

/** Does what a worker does, but for the rendering. */
class Work {
  readonly #queue: Awaited<ReturnType<Stage['queue']>>;
  readonly #deps: Parameters<typeof finishJob>[0] & Parameters<typeof claimJobs>[0];

  private constructor(stage: Stage, queue: Awaited<ReturnType<Stage['queue']>>) {
    this.#queue = queue;
    this.#deps = {
      db: stage.pool.db,
      queue,
      events: silentEvents(),
      stores: new Stores({ pdfStore: { kind: 'postgres' } }),
      retentionMs: 3_600_000,
    };
  }

  static async open(stage: Stage): Promise<Work> {
    await stage.sql`insert into pdfprompt_worker (id, host, pid, concurrency, version) values (${WORKER}, 'bench', 1, 10, 'bench')`;
    return new Work(stage, await stage.queue());
  }

  close(): Promise<void> {
    return this.#queue.stop();
  }

  claim(count: number) {
    return claimJobs(this.#deps, { workerId: WORKER, count });
  }

  async finish(job: Awaited<ReturnType<typeof claimJobs>>[number]): Promise<void> {
    if ((await finishJob(this.#deps, job, DONE)) !== 'completed') throw new Error('it was not completed');
  }

  /** Ends so many jobs, or all. @returns a second */
  async drain(most = Infinity): Promise<number> {
    const startedAt = performance.now();
    let left = most;
    let done = 0;
    const lane = async () => {
      while (left > 0) {
        const count = Math.min(CLAIMED_AT_A_TIME, left);
        left -= count;
        const jobs = await this.claim(count);
        for (const job of jobs) await this.finish(job);
        done += jobs.length;
        if (jobs.length === 0) break;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return done / ((performance.now() - startedAt) / 1_000);
  }
}

/** What does not depend on how much there is: how fast the machine is at the moment. */
const REFERENCES = ['reference: GET /v1/webhooks', 'reference: a small transaction'] as const;
/** `half` is right after hundreds of jobs a second; `half, rested` is the same rows when Postgres has cleaned up. */
const STATES = ['before', 'queued', 'half', 'half, rested', 'after'] as const;
type State = (typeof STATES)[number];

interface VisitsOptions {
  address: string;
  bulkKey: string;
  otherKey: string;
  work: Work;
}

/** What is asked of the service, and how long that takes. */
class Visits {
  readonly #times = new Map<string, Map<State, number[]>>();
  readonly #stage: Stage;
  readonly #options: VisitsOptions;
  readonly #console: Awaited<ReturnType<typeof signIn>>;
  readonly #adminKey: string;

  private constructor(
    stage: Stage,
    options: VisitsOptions,
    operator: { console: Awaited<ReturnType<typeof signIn>>; key: string },
  ) {
    this.#stage = stage;
    this.#options = options;
    this.#console = operator.console;
    this.#adminKey = operator.key;
  }

  static async open(stage: Stage, options: VisitsOptions): Promise<Visits> {
    const { key } = await createKey(stage.pool.db, { email: 'admin@example.com', tier: 'system', scopes: ['admin'] });
    return new Visits(stage, options, { key, console: await signIn(options.address, key) });
  }

  /** Everything in turn, again and again: a minute in which the machine is slow is slow for all. */
  async measure(state: State, batch: string, { isWarmUp = false } = {}): Promise<void> {
    const { address, bulkKey, otherKey, work } = this.#options;
    const ask = asker(address);
    const get = (key: string, path: string) => ask({ key }, 'GET', path, 200);
    const total = (await get(bulkKey, `/v1/batches/${batch}`)) as { items: { total: number } };
    const middle = Math.floor(total.items.total / 2);
    const timed = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
      const startedAt = performance.now();
      const value = await run();
      const times = this.#times.get(what) ?? new Map<State, number[]>();
      this.#times.set(what, times);
      if (!isWarmUp) times.set(state, [...(times.get(state) ?? []), performance.now() - startedAt]);
      return value;
    };
    const page = async (path: string) => {
      const response = await this.#console.get(`/console${path}`);
      await response.text();
      if (response.status !== 200) throw new Error(`/console${path} answered ${response.status}`);
    };
    const one = async (what: string) => {
      const jobs = await timed(`claim ${what}`, () => work.claim(1));
      const [job] = jobs;
      if (!job) throw new Error('nothing was claimed');
      await timed(`finish ${what}`, () => work.finish(job));
      return job;
    };
    await eventually(() => this.#isCounted(), 30_000, 'the API counts the queue');
    for (let turn = 0; turn < SAMPLES; turn++) {
      const body = { html: '<p>x</p>' };
      const post = async (key: string) =>
        ((await ask({ key }, 'POST', '/v1/jobs', 202, { body })) as { id: string }).id;
      const id = await timed('POST /v1/jobs, another tenant', () => post(otherKey));
      const own = await timed('POST /v1/jobs, of the batch', () => post(bulkKey));
      const singles = [await one('a single job'), await one('a single job')];
      if (singles.some((job) => job.id !== id && job.id !== own)) throw new Error('a single job was not the next');
      await one('an item');
      for (const reference of REFERENCES) await timed(reference, () => this.#refer(reference));
      await timed('GET /v1/jobs/{id}', () => get(otherKey, `/v1/jobs/${id}`));
      await timed('GET /v1/jobs/{id}/pdf', () => get(otherKey, `/v1/jobs/${id}/pdf`));
      await timed('GET /v1/jobs, another tenant', () => get(otherKey, '/v1/jobs'));
      await timed('GET /v1/jobs, of the batch', () => get(bulkKey, '/v1/jobs'));
      await timed('GET /v1/usage', () => get(bulkKey, '/v1/usage'));
      await timed('GET /v1/batches', () => get(bulkKey, '/v1/batches'));
      await timed('GET /v1/batches/{id}', () => get(bulkKey, `/v1/batches/${batch}`));
      await timed('GET …/items', () => get(bulkKey, `/v1/batches/${batch}/items?limit=100`));
      await timed('GET …/items, from the middle', () =>
        get(bulkKey, `/v1/batches/${batch}/items?limit=100&after=${middle}`),
      );
      await timed('GET …/items, failed', () => get(bulkKey, `/v1/batches/${batch}/items?status=failed`));
      await timed('GET /v1/admin/queue', () => get(this.#adminKey, '/v1/admin/queue'));
      await timed('console: overview', () => page(''));
      await timed('console: jobs', () => page('/jobs'));
    }
    for (let turn = 0; turn < COUNTS; turn++) await timed('counting the queue, every 5 s', () => this.#countQueue());
  }

  async #refer(reference: (typeof REFERENCES)[number]): Promise<void> {
    const { address, otherKey } = this.#options;
    if (reference === 'reference: GET /v1/webhooks')
      await asker(address)({ key: otherKey }, 'GET', '/v1/webhooks', 200);
    else await this.#stage.sql`update pdfprompt_worker set seen_at = now() where id = ${WORKER}`;
  }

  async #isCounted(): Promise<boolean> {
    const headers = { authorization: `Bearer ${this.#adminKey}` };
    return (await fetch(`${this.#options.address}/v1/admin/queue`, { headers })).ok;
  }

  async #countQueue(): Promise<void> {
    const { pool, sql } = this.#stage;
    await sql`delete from pdfprompt_lease where name = 'queue figures'`;
    const policy = { targetWaitMs: 10_000, min: 1, max: 10, downAfterMs: 60_000 };
    const watch = new QueueWatch({ db: pool.db, events: silentEvents(), policy, everyMs: 3_600_000 });
    await watch.start();
    while (!watch.figures) await sleep(0);
    await watch.stop();
  }

  /** p50 and p95 of each, and what became slower than its reference did meanwhile: the machine. */
  table(): Result {
    const result: Result = {};
    const slower = new Map<State, string[]>(STATES.map((state) => [state, []]));
    const medians = new Map([...this.#times].map(([what, times]) => [what, (state: State) => quantile(times.get(state), 0.5)])); // prettier-ignore
    const [reading, writing] = REFERENCES.map(
      (each) => (state: State) => (medians.get(each)?.(state) ?? 1) / (medians.get(each)?.('before') ?? 1),
    ) as [(state: State) => number, (state: State) => number];
    for (const [what, times] of this.#times) {
      const of = (state: State, part = 0.5) => quantile(times.get(state), part);
      const before = of('before');
      const isReference = REFERENCES.some((each) => each === what);
      const machine = isReference ? () => 1 : /^(?:POST|claim|finish)/.test(what) ? writing : reading;
      const ratios = STATES.map((state) => of(state) / before / machine(state));
      const cells = STATES.map(
        (state, index) => `${state} ${round(of(state))} (p95 ${round(of(state, 0.95))}) ×${round(ratios[index] ?? 1)}`,
      );
      result[`${what}, ms`] = cells.join('  ');
      for (const [index, ratio] of ratios.entries())
        if (!isReference && ratio > MOST && before * (ratio - 1) > NOISE_MS)
          slower.get(STATES[index] ?? 'before')?.push(`${what} ${round(ratio)}`);
    }
    for (const [state, those] of slower)
      if (state !== 'before') result[`${state}: slower than ${MOST} of before`] = those.join(', ') || 'nothing';
    return result;
  }
}
