import { seededRandom } from './seeded-random.ts';

/** What one document needs of a worker; milliseconds. */
export interface Demand {
  /** work of a core while the document has a slot */
  renderMs: number;
  /** the same, before that, unless a spare page is ready; 0 or undefined: it has a warm page */
  newPageMs?: number;
  /** time in the slot in which no core works for it */
  idleMs: number;
  /** work of a core after its slot is free: storing the PDF, the API's share */
  afterMs: number;
}

interface Worker {
  cores: number;
  slots: number;
  /** milliseconds from when a slot takes a document until its work begins */
  pickupMs: number;
  /** cores that work for one document, at most: Chromium is several processes */
  parallelism: number;
  /** pages kept ready for documents that need a new one */
  sparePages?: number;
}

interface SimulationInput extends Worker {
  workers: number;
  /** documents a second; `Infinity`: the queue is never empty */
  rate: number;
  demand: (random: () => number) => Demand;
  /** counted documents; a tenth more come first to warm up */
  documents: number;
  seed: number;
  /** arrival times in milliseconds, instead of a Poisson process with `rate` */
  arrivals?: readonly number[];
}

interface Job extends Demand {
  /** no document: a core opens a spare page */
  isSpare?: boolean;
  arrivedAt: number;
  startedAt: number;
  hasSlot: boolean;
  /** milliseconds while it waits; on the worker's clock of shared work while cores work for it */
  endsAt: number;
  isCounted: boolean;
}

/** Milliseconds. Remaining work below this is floating-point error. */
const EPSILON = 1e-4;

/**
 * Simulates workers that share one queue, event by event (G/G/c with shared cores). An arriving document takes a free
 * slot of any worker, or waits in the order of arrival. The same seed gives the same result.
 * @returns the wait until the start and the turnaround until the PDF is stored, in milliseconds; documents a second
 */
export function simulate(input: SimulationInput) {
  const { documents, demand, arrivals, rate } = input;
  const random = seededRandom(input.seed);
  const workers = Array.from({ length: input.workers }, () => new SimulatedWorker(input));
  const total = arrivals?.length ?? Math.ceil(documents * 1.1);
  const warmUp = arrivals ? 0 : total - documents;
  const arriveAfter = (at: number, number: number) =>
    arrivals ? (arrivals[number] ?? Infinity) : at - (Math.log(1 - random()) / rate) * 1000;

  const queue: Job[] = [];
  const waits: number[] = [];
  const turnarounds: number[] = [];
  let [dequeued, arrived, ended, now] = [0, 0, 0, 0];
  let nextArrival = arriveAfter(0, 0);
  while (ended < total) {
    let worker = workers[0] as SimulatedWorker;
    for (const other of workers) if (other.nextAt < worker.nextAt) worker = other;
    if (nextArrival <= worker.nextAt) {
      now = nextArrival;
      const isCounted = arrived >= warmUp;
      const job = { arrivedAt: now, startedAt: 0, endsAt: 0, hasSlot: false, ...demand(random), isCounted };
      nextArrival = ++arrived < total ? arriveAfter(now, arrived) : Infinity;
      const free = anyFree(workers, random);
      if (free) free.start(job, now);
      else queue.push(job);
      continue;
    }
    now = worker.nextAt;
    for (const { isCounted, startedAt, arrivedAt } of worker.advance(now)) {
      ended++;
      if (!isCounted) continue;
      waits.push(startedAt - arrivedAt);
      turnarounds.push(now - arrivedAt);
    }
    while (worker.hasFreeSlot && dequeued < queue.length) worker.start(queue[dequeued++] as Job, now);
  }
  return { wait: percentiles(waits), turnaround: percentiles(turnarounds), throughput: (total / now) * 1000 };
}

function anyFree(workers: SimulatedWorker[], random: () => number): SimulatedWorker | undefined {
  const from = workers.length === 1 ? 0 : Math.floor(random() * workers.length);
  for (let step = 0; step < workers.length; step++) {
    const worker = workers[(from + step) % workers.length];
    if (worker?.hasFreeSlot) return worker;
  }
  return undefined;
}

/**
 * Slots for documents, and cores that everything at work shares evenly. A clock of shared work runs as fast as each
 * share does, so a new document changes no other's `endsAt` (processor sharing).
 */
class SimulatedWorker {
  readonly #options: Worker;
  #now = 0;
  /** milliseconds of work that every document at work has received so far */
  #shared = 0;
  readonly #working: Job[] = [];
  readonly #waiting: Job[] = [];
  #inSlots = 0;
  #spare: number;
  /** work of a core to open the page that a document took, which is to be opened in its place */
  readonly #missing: number[] = [];
  #isOpening = false;
  /** when something changes here next if nothing arrives */
  nextAt = Infinity;

  constructor(options: Worker) {
    this.#options = options;
    this.#spare = options.sparePages ?? 0;
  }

  /** As the dispatcher counts: PDFs being stored keep documents out only when there are as many as slots. */
  get hasFreeSlot(): boolean {
    const { slots } = this.#options;
    return this.#inSlots < slots && this.#working.length + this.#waiting.length < 2 * slots;
  }

  start(job: Job, now: number): void {
    this.#passTime(now);
    job.startedAt = now + this.#options.pickupMs;
    job.endsAt = job.startedAt + job.idleMs;
    job.hasSlot = true;
    this.#inSlots++;
    this.#waiting.push(job);
    this.#schedule();
  }

  /** @returns the jobs that are done by then */
  advance(to: number): Job[] {
    this.#passTime(to);
    for (const job of takeDue(this.#waiting, to)) this.#work(job, this.#openingMs(job) + job.renderMs);
    const due = takeDue(this.#working, this.#shared);
    if (due.some(({ isSpare }) => isSpare)) {
      this.#isOpening = false;
      this.#spare++;
    }
    for (const job of due) {
      if (!job.hasSlot) continue;
      this.#inSlots--;
      this.#work(job, job.afterMs);
    }
    const done = due.filter(({ hasSlot, isSpare }) => !hasSlot && !isSpare);
    for (const job of due) job.hasSlot = false;
    this.#openSpare();
    this.#schedule();
    return done;
  }

  /** Milliseconds of work to open a page for the document: none if one is ready. */
  #openingMs({ newPageMs = 0 }: Job): number {
    if (newPageMs === 0 || this.#spare === 0) return newPageMs;
    this.#spare--;
    this.#missing.push(newPageMs);
    return 0;
  }

  /** One at a time, while fewer documents than cores are in slots, as the pool of pages does it. */
  #openSpare(): void {
    if (this.#isOpening || this.#missing.length === 0 || this.#inSlots >= this.#options.cores) return;
    const ms = this.#missing.shift() ?? 0;
    this.#isOpening = true;
    const page = { renderMs: 0, idleMs: 0, afterMs: 0, arrivedAt: 0, startedAt: 0, endsAt: 0 };
    this.#work({ ...page, hasSlot: false, isCounted: false, isSpare: true }, ms);
  }

  #work(job: Job, ms: number): void {
    job.endsAt = this.#shared + ms;
    this.#working.push(job);
  }

  #passTime(to: number): void {
    this.#shared += (to - this.#now) * this.#speed;
    this.#now = to;
  }

  #schedule(): void {
    const left = earliest(this.#working) - this.#shared;
    const worked = left === Infinity ? Infinity : this.#now + Math.max(0, left) / this.#speed;
    this.nextAt = Math.min(worked, earliest(this.#waiting));
  }

  /** Milliseconds of work for each document in one millisecond. */
  get #speed(): number {
    const { cores, parallelism } = this.#options;
    return Math.min(parallelism, cores / Math.max(1, this.#working.length));
  }
}

function earliest(jobs: Job[]): number {
  let at = Infinity;
  for (const { endsAt } of jobs) if (endsAt < at) at = endsAt;
  return at;
}

/** Removes and returns the jobs that end by then. A simulation spends most of its time here. */
function takeDue(jobs: Job[], by: number): Job[] {
  if (earliest(jobs) > by + EPSILON) return [];
  const due = jobs.filter((job) => job.endsAt <= by + EPSILON);
  for (const job of due) jobs.splice(jobs.indexOf(job), 1);
  return due;
}

function percentiles(values: number[]) {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { mean: sorted.reduce((sum, value) => sum + value, 0) / (sorted.length || 1), p50: at(0.5), p95: at(0.95) };
}
