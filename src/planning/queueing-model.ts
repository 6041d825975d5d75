import { seededRandom } from './seeded-random.ts';
import { Machine, type MachineOptions, type SimulatedJob } from './machine.ts';

/** What one document asks of a worker; milliseconds. */
export type Demand = Pick<SimulatedJob, 'renderMs' | 'idleMs' | 'afterMs'>;

export interface SimulationInput extends MachineOptions {
  workers: number;
  /** documents a second; `Infinity`: the queue is never empty */
  rate: number;
  /** draws a document */
  demand: (random: () => number) => Demand;
  /** simulated documents, beside the tenth that comes before anything is counted */
  documents: number;
  seed: number;
  /** moments of the arrivals in milliseconds, instead of Poisson's at `rate` */
  arrivals?: readonly number[];
}

/** Milliseconds, and documents a second. */
export interface Simulated {
  /** from the submission to the start */
  wait: Percentiles;
  /** from the submission until the PDF is stored */
  turnaround: Percentiles;
  throughput: number;
}

export interface Percentiles {
  mean: number;
  p50: number;
  p95: number;
}

/**
 * Workers that take from one queue, event by event (G/G/c with shared cores): each job goes to a worker with a free
 * slot, whichever is first to ask, or waits for one in the order of arrival. The same seed gives the same answer.
 */
export function simulate(input: SimulationInput): Simulated {
  const { workers, documents, demand, arrivals, rate } = input;
  const random = seededRandom(input.seed);
  const machines = Array.from({ length: workers }, () => new Machine(input));
  const total = arrivals?.length ?? Math.ceil(documents * 1.1);
  const isCounted = (number: number) => number >= total - (arrivals?.length ?? documents);
  const arriveAfter = (at: number, number: number) =>
    arrivals ? (arrivals[number] ?? Infinity) : at - (Math.log(1 - random()) / rate) * 1000;

  const queue = new Fifo<SimulatedJob>();
  const waits: number[] = [];
  const turnarounds: number[] = [];
  const counted = new Set<SimulatedJob>();
  let [arrived, ended, lastAt] = [0, 0, 0];
  let nextArrival = arriveAfter(0, 0);
  const nextAt = machines.map(() => Infinity);

  const dispatch = (job: SimulatedJob, to: number, now: number) => {
    machines[to]?.start(job, now);
    nextAt[to] = machines[to]?.nextAt ?? Infinity;
  };
  while (ended < total) {
    let first = 0;
    for (let at = 1; at < workers; at++) if ((nextAt[at] ?? 0) < (nextAt[first] ?? 0)) first = at;
    const now = Math.min(nextArrival, nextAt[first] ?? Infinity);
    if (nextArrival <= now && arrived < total) {
      const job = { arrivedAt: now, startedAt: 0, ...demand(random) };
      if (isCounted(arrived)) counted.add(job);
      arrived++;
      nextArrival = arrived < total ? arriveAfter(now, arrived) : Infinity;
      const free = anyFree(machines, random);
      if (free === undefined) queue.push(job);
      else dispatch(job, free, now);
      continue;
    }
    const machine = machines[first] as Machine;
    for (const job of machine.advance(now)) {
      ended++;
      lastAt = now;
      if (!counted.delete(job)) continue;
      waits.push(job.startedAt - job.arrivedAt);
      turnarounds.push(now - job.arrivedAt);
    }
    while (machine.hasFreeSlot && queue.length > 0) dispatch(queue.shift() as SimulatedJob, first, now);
    nextAt[first] = machine.nextAt;
  }
  return { wait: percentiles(waits), turnaround: percentiles(turnarounds), throughput: (total / lastAt) * 1000 };
}

function anyFree(machines: Machine[], random: () => number): number | undefined {
  if (machines.length === 1) return machines[0]?.hasFreeSlot ? 0 : undefined;
  const from = Math.floor(random() * machines.length);
  for (let step = 0; step < machines.length; step++) {
    const at = (from + step) % machines.length;
    if (machines[at]?.hasFreeSlot) return at;
  }
  return undefined;
}

class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head++];
    if (this.#head > 1_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

function percentiles(values: number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { mean: sorted.reduce((sum, value) => sum + value, 0) / (sorted.length || 1), p50: at(0.5), p95: at(0.95) };
}
