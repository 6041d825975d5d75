import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { costOf } from '../../src/planning/calibration.ts';
import { type DocumentCost, parseMix, serviceCost, workloadOf } from '../../src/planning/document-cost.ts';
import { simulate } from '../../src/planning/queueing-model.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';
import { ask, percentile, type Result, type Stage } from './stage.ts';

const INVOICE = new URL('../fixtures/invoice.html', import.meta.url).pathname;
const SCRIPT = '<script>0</script>';
const CORES = availableParallelism();
const SLOTS = CORES + 1;
/** Jobs kept under way when the service is saturated: the queue is never empty. */
const UNDER_WAY = 6 * SLOTS;
const LOADS = [0.5, 0.8, 0.95];
/** Runs of the model with the same arrivals, whose median is the prediction. */
const SEEDS = 31;
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
 * The plan beside the truth: each kind of document is calibrated alone, then mixes of them are predicted, run, and
 * compared. Clients, API, worker, database and browser share this machine, and so they do in the model.
 */
export async function plan(stage: Stage, files: string[], seconds = 180): Promise<Result> {
  const kinds = kindsOf(files);
  await stage.chromium();
  const { address } = await stage.serve();
  await stage.start(['work', '--concurrency', String(SLOTS)], /pdfprompt works/);
  const { key } = await stage.user('plan@example.com'); // one tenant, so that all pages are warm
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const service = new Service(stage, (kind) => ask(agent, 'POST', `${address}/v1/jobs`, key, kind.body));
  await service.start();

  const short = Math.max(5, seconds / 6);
  const first = kinds[0];
  await service.saturate(short / 2, () => first);
  const documents: Record<string, DocumentCost> = {};
  const pickups: number[] = [];
  for (const kind of kinds) {
    await service.saturate(2, () => kind);
    const alone = await service.oneByOne(short / 2, kind);
    const saturated = await service.saturate(short, () => kind);
    const pdfBytes = alone[0]?.size ?? 0;
    const pickupMs = percentile(
      alone.map(({ queued }) => queued),
      50,
    );
    const besides = serviceCost({ htmlBytes: kind.htmlBytes, pdfBytes });
    pickups.push(pickupMs);
    documents[kind.name] = costOf({
      cores: CORES,
      slots: SLOTS,
      pickupMs,
      htmlBytes: kind.htmlBytes,
      pdfBytes,
      aloneMs: alone.map(({ service }) => service),
      saturatedRate: rateOf(saturated),
      besidesMs: besides.workerMs + besides.apiMs + besides.databaseMs,
    });
  }
  const result: Result = {};
  for (const [name, cost] of Object.entries(documents))
    result[`calibrated: ${name}`] =
      `${cost.renderMs.toFixed(0)} ms of a core to render, ${(cost.workerMs + cost.apiMs + cost.databaseMs).toFixed(0)} beside it, parallelism ${cost.parallelism.toFixed(2)}`;

  const names = kinds.map(({ name }) => name);
  for (const [one, other] of [
    [80, 20],
    [30, 70],
  ]) {
    const mix = parseMix(`${names[0]}:${one},${names[1]}:${other}`, names);
    const name = mix.map(({ document, share }) => `${document} ${Math.round(share * 100)} %`).join(', ');
    const { draw } = workloadOf({ mix, documents, newPageShare: 0, sharesCoresWith: { api: true, database: true } });
    const parallelism = mix.reduce(
      (sum, { document, share }) => sum + share * (documents[document]?.parallelism ?? 1),
      0,
    );
    const pickupMs = pickups.reduce((sum, each) => sum + each, 0) / pickups.length;
    const machine = { workers: 1, cores: CORES, slots: SLOTS, pickupMs, parallelism, demand: draw };
    const pick = (random: () => number) => kinds[random() < (mix[0]?.share ?? 1) ? 0 : 1];

    const predictedMax = simulate({ ...machine, rate: Infinity, documents: 5_000, seed: 1 }).throughput;
    const random = seededRandom(1);
    const measuredMax = rateOf(await service.saturate(short * 2, () => pick(random)));
    result[`${name}: at most, a second`] = compared(predictedMax, measuredMax, 1);

    for (const load of LOADS) {
      const rate = predictedMax * load;
      const arrivals = poisson(rate, seconds, seededRandom(ARRIVALS_SEED));
      const runs = Array.from({ length: SEEDS }, (_, seed) =>
        simulate({ ...machine, rate, documents: 0, arrivals, seed }),
      );
      const waits = runs.map(({ wait }) => wait.p95);
      const jobs = await service.openLoop(arrivals, pick);
      const range = `predicted in 9 of 10 runs ${percentile(waits, 5)} to ${percentile(waits, 95)}`;
      result[`${name}: p95 wait at ${load * 100} %, ms`] = `${compared(
        percentile(waits, 50),
        percentile(
          jobs.map(({ queued }) => queued),
          95,
        ),
        0,
      )}; ${range}; ${jobs.length} jobs`;
      const turnaround = percentile(
        runs.map((run) => run.turnaround.p95),
        50,
      );
      result[`${name}: p95 turnaround at ${load * 100} %, ms`] = compared(
        turnaround,
        percentile(
          jobs.map(({ queued, service }) => queued + service),
          95,
        ),
        0,
      );
    }
  }
  agent.destroy();
  return result;
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

  /** As many as the service takes; only those that ended while the queue was full are told of. */
  async saturate(seconds: number, next: () => Kind): Promise<DoneJob[]> {
    const at = await this.#now();
    await this.#keep(UNDER_WAY, seconds, next);
    const jobs = await this.#since(at);
    const until = (at + seconds) * 1000;
    return jobs.filter(({ completed }) => completed <= until).slice(SLOTS);
  }

  oneByOne(seconds: number, kind: Kind): Promise<DoneJob[]> {
    return this.#told(() => this.#keep(1, seconds, () => kind));
  }

  /** Each at its moment, whatever became of those before. */
  openLoop(arrivals: number[], pick: (random: () => number) => Kind): Promise<DoneJob[]> {
    return this.#told(async () => {
      const random = seededRandom(5);
      const target = this.#ended + arrivals.length;
      await Promise.all(arrivals.map((ms) => sleep(ms).then(() => this.#submit(pick(random)))));
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

  async #told(work: () => Promise<void>): Promise<DoneJob[]> {
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
