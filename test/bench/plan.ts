import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { costOf } from '../../src/planning/calibration.ts';
import { type DocumentCost, serviceCost, workloadOf } from '../../src/planning/document-cost.ts';
import { type Demand, simulate } from '../../src/planning/queueing-model.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import type { BenchOptions } from './options.ts';
import { ask, mean, percentile, type Result, type Stage } from './stage.ts';

const INVOICE = new URL('../fixtures/invoice.html', import.meta.url).pathname;
const SCRIPT = '<script>0</script>';
const CORES = availableParallelism();
const SLOTS = CORES + 1;
/** Jobs kept under way when the service is saturated: the queue is never empty. */
const UNDER_WAY = 6 * SLOTS;
const LOADS = [0.5, 0.8, 0.95];
/** Runs of the model with the same arrivals, whose median is the prediction. */
const SEEDS = 31;
/** Of what is measured in turns with it: how often, and how long. */
const TURNS = 3;
const GAUGE_SECONDS = 6;
const STRETCH_SECONDS = 30;
/** Of the arrivals, which the real run and the model share. */
const ARRIVALS_SEED = 2;

interface Kind {
  name: string;
  body: Buffer;
  htmlBytes: number;
}

interface DoneJob {
  queued: number;
  service: number;
  completed: number;
  size: number;
}

/**
 * The plan beside the truth: kinds of documents are calibrated each alone, then mixes of them are predicted, run, and
 * compared. Clients, API, worker, database and browser share this machine, and so they do in the model.
 *
 * How fast the machine is changes by a quarter within minutes, and close to saturation the wait hangs on little else.
 * So what is compared is measured in turns, and a load is a share of what the machine just did: each stretch of it
 * lies between two short saturated ones, whose mean is its machine's speed in the model.
 */
export async function plan(stage: Stage, { files, seconds = 120 }: BenchOptions): Promise<Result> {
  const kinds = kindsOf(files);
  await stage.chromium();
  const { address } = await stage.serve();
  await stage.start(['work', '--concurrency', String(SLOTS)], /pdfprompt works/);
  const { key } = await stage.user('plan@example.com'); // one tenant, so that all pages are warm
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const service = new Service(stage, (kind) => ask(agent, 'POST', `${address}/v1/jobs`, key, kind.body));
  await service.start();
  await service.saturate(15, () => kinds[0]);

  const result: Result = {};
  const names = kinds.map(({ name }) => name);
  for (const shares of [
    [0.8, 0.2],
    [0.3, 0.7],
  ]) {
    const mix = names.map((name, index) => ({ name, share: shares[index] ?? 0 }));
    const title = mix.map(({ name, share }) => `${name} ${Math.round(share * 100)} %`).join(', ');
    const pick = (random: () => number) => kinds[random() < (mix[0]?.share ?? 1) ? 0 : 1];
    const random = seededRandom(1);
    const maximum = async () => rateOf(await service.saturate(GAUGE_SECONDS, () => pick(random)));

    const seen = kinds.map((kind): Seen => ({ kind, alone: [], rates: [] }));
    const maxima: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      for (const { kind, alone, rates } of seen) {
        alone.push(...(await service.oneByOne(GAUGE_SECONDS / 2, kind)));
        rates.push(rateOf(await service.saturate(GAUGE_SECONDS, () => kind)));
      }
      maxima.push(await maximum());
    }
    const documents: Record<string, DocumentCost> = {};
    const pickups: number[] = [];
    for (const each of seen) {
      const { cost, pickupMs } = calibrated(each);
      documents[each.kind.name] = cost;
      pickups.push(pickupMs);
    }
    for (const [name, cost] of Object.entries(documents))
      result[`${title}: ${name}`] =
        `${cost.renderMs.toFixed(0)} ms of a core to render, ${(cost.workerMs + cost.apiMs + cost.databaseMs).toFixed(0)} beside it, parallelism ${cost.parallelism.toFixed(2)}`;

    const { draw, mean: average } = workloadOf({
      mix,
      documents,
      newPageShare: 0,
      onWorker: ['workerMs', 'apiMs', 'databaseMs'],
    });
    const machine = {
      workers: 1,
      cores: CORES,
      slots: SLOTS,
      pickupMs: mean(pickups),
      parallelism: average.parallelism,
    };
    const { throughput } = simulate({ ...machine, demand: draw, rate: Infinity, documents: 5_000, seed: 1 });
    result[`${title}: at most, a second`] = compared(throughput, mean(maxima), 1);

    const points = LOADS.map((load) => ({ load, stretches: [] as Stretch[] }));
    const kindOf = seededRandom(5);
    const moments = seededRandom(ARRIVALS_SEED);
    let before = await maximum();
    for (let round = 0; round < Math.max(1, Math.round(seconds / STRETCH_SECONDS)); round++)
      for (const { load, stretches } of points) {
        const arrivals = poisson(before * load, STRETCH_SECONDS, moments);
        const jobs = await service.openLoop(arrivals, () => pick(kindOf));
        const after = await maximum();
        stretches.push({ arrivals, jobs, speed: (before + after) / 2 / throughput });
        before = after;
      }
    for (const { load, stretches } of points) {
      const jobs = stretches.flatMap((stretch) => stretch.jobs);
      const runs = Array.from({ length: SEEDS }, (_, seed) =>
        simulate({ ...machine, rate: 0, documents: 0, ...oneAfterTheOther(stretches, draw), seed }),
      );
      const waits = runs.map(({ wait }) => wait.p95);
      const turnarounds = runs.map(({ turnaround }) => turnaround.p95);
      const waited = jobs.map(({ queued }) => queued);
      const tookAll = jobs.map(({ queued, service }) => queued + service);
      const range = `predicted in 9 of 10 runs ${percentile(waits, 5)} to ${percentile(waits, 95)}`;
      const at = `at ${load * 100} %, ms`;
      result[`${title}: p95 wait ${at}`] =
        `${compared(percentile(waits, 50), percentile(waited, 95), 0)}; ${range}; ${jobs.length} jobs`;
      result[`${title}: p95 turnaround ${at}`] = compared(percentile(turnarounds, 50), percentile(tookAll, 95), 0);
    }
  }
  agent.destroy();
  return result;
}

/** Of one kind of document: jobs that had the machine to themselves, and how many a second it did at most. */
interface Seen {
  kind: Kind;
  alone: DoneJob[];
  rates: number[];
}

function calibrated({ kind, alone, rates }: Seen): { cost: DocumentCost; pickupMs: number } {
  const { htmlBytes } = kind;
  const pdfBytes = alone[0]?.size ?? 0;
  const pickupMs = percentile(
    alone.map(({ queued }) => queued),
    50,
  );
  const { workerMs, apiMs, databaseMs } = serviceCost({ htmlBytes, pdfBytes });
  const cost = costOf({
    cores: CORES,
    slots: SLOTS,
    pickupMs,
    htmlBytes,
    pdfBytes,
    aloneMs: alone.map(({ service }) => service),
    saturatedRate: mean(rates),
    otherWorkMs: workerMs + apiMs + databaseMs,
  });
  return { cost, pickupMs };
}

/** Some load, and how fast the machine was meanwhile beside what was predicted. */
interface Stretch {
  /** milliseconds */
  arrivals: number[];
  jobs: DoneJob[];
  speed: number;
}

/** As one run of the model: it is idle between two stretches, as the machine was. */
function oneAfterTheOther(stretches: Stretch[], draw: (random: () => number) => Demand) {
  const arrivals = stretches.flatMap((stretch, index) =>
    stretch.arrivals.map((at) => at + index * 10 * STRETCH_SECONDS * 1000),
  );
  const speeds = stretches.flatMap((stretch) => stretch.arrivals.map(() => stretch.speed));
  let drawn = 0;
  const demand = (random: () => number): Demand => {
    const { renderMs, idleMs, afterMs } = draw(random);
    const speed = speeds[drawn++] ?? 1;
    return { renderMs: renderMs / speed, idleMs: idleMs / speed, afterMs: afterMs / speed };
  };
  return { arrivals, demand };
}

function kindsOf(files: string[]): [Kind, Kind] {
  const documents = (files.length > 0 ? files : [INVOICE]).map((file) => ({
    name: basename(file, '.html'),
    html: readFileSync(file, 'utf8'),
  }));
  const [first, second] = documents;
  if (!first) throw new Error('no document');
  const scripted = {
    name: `${first.name}+script`,
    html: first.html.replace(/<\/body>|$/i, (end) => `${SCRIPT}${end}`),
  };
  const kind = ({ name, html }: { name: string; html: string }): Kind => ({
    name,
    body: Buffer.from(JSON.stringify({ html })),
    htmlBytes: Buffer.byteLength(html),
  });
  return [kind(first), kind(second ?? scripted)];
}

/** Documents a second between the first and the last that ended. */
function rateOf(jobs: DoneJob[]): number {
  const ends = jobs.map(({ completed }) => completed);
  return ((jobs.length - 1) / (Math.max(...ends) - Math.min(...ends))) * 1000;
}

function poisson(rate: number, seconds: number, random: () => number): number[] {
  const moments: number[] = [];
  for (let at = 0; at < seconds * 1000; at += (-Math.log(1 - random()) / rate) * 1000) moments.push(at);
  return moments;
}

function compared(predicted: number, measured: number, digits: number): string {
  const error = (predicted / measured - 1) * 100;
  return `predicted ${predicted.toFixed(digits)}, measured ${measured.toFixed(digits)}, error ${error > 0 ? '+' : ''}${error.toFixed(0)} %`;
}

/** Jobs sent to the real service, and what the database says of them. */
class Service {
  readonly #stage: Stage;
  readonly #submit: (kind: Kind) => Promise<string>;
  #ended = 0;
  #wake = Promise.withResolvers<void>();

  constructor(stage: Stage, submit: (kind: Kind) => Promise<string>) {
    this.#stage = stage;
    this.#submit = submit;
  }

  async start(): Promise<void> {
    await this.#stage.sql.listen('pdfprompt_ended', () => {
      this.#ended++;
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
  }

  /** As many as the service takes; only those that ended while the queue was full are returned. */
  async saturate(seconds: number, next: () => Kind): Promise<DoneJob[]> {
    const at = await this.#now();
    await this.#keep(UNDER_WAY, seconds, next);
    const jobs = await this.#since(at);
    const until = (at + seconds) * 1000;
    return jobs.filter(({ completed }) => completed <= until).slice(SLOTS);
  }

  oneByOne(seconds: number, kind: Kind): Promise<DoneJob[]> {
    return this.#jobsOf(() => this.#keep(1, seconds, () => kind));
  }

  /** Each at its moment, whatever became of those before. */
  openLoop(arrivals: number[], next: () => Kind): Promise<DoneJob[]> {
    return this.#jobsOf(async () => {
      const target = this.#ended + arrivals.length;
      const arrive = async (ms: number) => {
        await sleep(ms);
        await this.#submit(next());
      };
      await Promise.all(arrivals.map(arrive));
      while (this.#ended < target) await this.#wake.promise;
    });
  }

  async #keep(count: number, seconds: number, next: () => Kind): Promise<void> {
    const until = performance.now() + seconds * 1000;
    const before = this.#ended;
    let sent = 0;
    while (performance.now() < until) {
      const room = count - (sent - (this.#ended - before));
      if (room === 0) await this.#wake.promise;
      else {
        sent += room;
        await Promise.all(Array.from({ length: room }, () => this.#submit(next())));
      }
    }
    while (this.#ended - before < sent) await this.#wake.promise;
  }

  async #jobsOf(work: () => Promise<void>): Promise<DoneJob[]> {
    const at = await this.#now();
    await work();
    return this.#since(at);
  }

  /** Seconds. */
  async #now(): Promise<number> {
    const [row] = await this.#stage.sql<{ at: number }[]>`select extract(epoch from clock_timestamp())::float as at`;
    return row?.at ?? 0;
  }

  /** In the order in which they ended. @param at seconds of the database's clock */
  #since(at: number): Promise<DoneJob[]> {
    return this.#stage.sql<DoneJob[]>`
      select extract(epoch from j.started_at - j.created_at)::float * 1000 as queued,
        extract(epoch from j.completed_at - j.started_at)::float * 1000 as service,
        extract(epoch from j.completed_at)::float * 1000 as completed, f.size::float as size
      from pdfprompt_job j join pdfprompt_file f on f.job_id = j.id
      where j.created_at >= to_timestamp(${at}) and j.status = 'completed' order by j.completed_at`;
  }
}
