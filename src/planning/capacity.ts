import { connectionBudget, FEWEST_CONNECTIONS, type ProcessRole, splitConnections } from '../config/connections.ts';
import type { Config } from '../config/load.ts';
import { OperatorError, UsageError } from '../kernel/errors.ts';
import type { Calibration } from './calibration.ts';
import { type Workload, workloadOf } from './document-cost.ts';
import { fewestServers } from './erlang.ts';
import { type MachinePrice, parseSize, type SetupPrices } from './prices.ts';
import { simulate } from './queueing-model.ts';
import type { Share } from './shares.ts';

/** What a plan assumes. All of it is printed with the plan; what has a flag can be changed. */
export const ASSUMPTIONS = {
  /** PDFs of a user in the busiest hour */
  pdfsPerUser: 0.5,
  /** load of the busiest minutes of that hour, relative to its average */
  peakFactor: 3,
  /** of the workers' cores at the peak, at most: above it a small error becomes a backlog */
  mostUtilisation: 0.75,
  /** of the database's cores at the peak, and of the one core of an API process, at most */
  mostDatabaseUtilisation: 0.5,
  /** a day's load, in busiest hours */
  busyHoursPerDay: 10,
  /** milliseconds */
  targetP95Ms: 5_000,
  /** PDFs an hour from which on one worker and one API process more than needed are planned */
  spareFrom: 500,
  /** bytes of a job in the database without its PDF, indexes included */
  rowBytes: 4_096,
  /** days that a job's row is kept after its PDF has expired */
  rowDays: 30,
  /** share of requests that may have to wait for a database connection */
  connectionWait: 0.01,
} as const;

/** Megabytes. */
const MEMORY = { worker: 220, serve: 150, browser: 250, document: 150, warmPage: 20 };
/** Most of a machine's memory that warm pages take, and that everything takes (render/governor.ts). */
const SHARE = { warmPages: 0.4, all: 0.8 };
/** `BROWSER_WARM_PAGES` at most. */
const MOST_WARM_PAGES = 200;
/** `BROWSER_SPARE_PAGES`, which count as warm pages. */
const SPARE_PAGES = 4;
/** Milliseconds that a warm page is kept for its tenant (render/pool.ts). */
const PAGE_IDLE_MS = 300_000;
/** Milliseconds from the notification to the start of a job whose worker is idle. */
const PICKUP_MS = 5;
/** In larger fleets documents wait no longer than in this many workers with their share of the load. */
const MOST_SIMULATED = 20;
const SIMULATED_DOCUMENTS = 10_000;
const GIGABYTE = 1024 ** 3;
const DAY_MS = 86_400_000;

export interface CapacityInput {
  load: { users: number; pdfsPerHour: number };
  mix: readonly Share[];
  calibration: Calibration;
  prices: SetupPrices;
  /** `CORESxGB` of a worker's machine; the cheapest sufficient one by default */
  workerSize?: string | undefined;
  targetP95Ms?: number;
  peakFactor?: number;
  /** workers in addition to those that the load needs */
  spare?: number | undefined;
  /** `static`: the documents are, so that none needs a page of its tenant's */
  isolation: Config['renderIsolation'];
  /** milliseconds that a PDF is kept */
  retentionMs: number;
  arePdfsInPostgres: boolean;
}

export type Plan = ReturnType<typeof planWith>;

/** @throws UsageError, OperatorError if no plan meets the requirements */
export function planCapacity(input: CapacityInput): Plan {
  const { prices, workerSize } = input;
  const machines = prices.machines.filter(({ size }) => workerSize === undefined || size === workerSize);
  if (machines.length === 0)
    throw new UsageError(
      `--worker-size: there is no price for ${workerSize}; allowed: ${prices.machines.map(({ size }) => size).join(', ')}`,
    );
  const plans = machines.map((machine) => planWith(input, machine));
  const [best] = plans.toSorted((a, b) => a.monthly.total - b.monthly.total || a.workers.count - b.workers.count);
  return best as Plan;
}

function planWith(input: CapacityInput, machine: MachinePrice) {
  const { load, peakFactor = ASSUMPTIONS.peakFactor, targetP95Ms = ASSUMPTIONS.targetP95Ms } = input;
  const { cores, memoryGb } = parseSize(machine.size);
  const rate = (load.pdfsPerHour * peakFactor) / 3600;
  const concurrency = cores + 1;
  const memoryMb = MEMORY.worker + MEMORY.serve + MEMORY.browser + concurrency * MEMORY.document;
  const roomMb = Math.min(memoryGb * 1024 * SHARE.warmPages, memoryGb * 1024 * SHARE.all - memoryMb);
  const warmPages = Math.max(0, Math.min(MOST_WARM_PAGES, Math.floor(roomMb / MEMORY.warmPage)));
  /**
   * Documents whose tenant has no warm page where they are rendered: any worker takes any job, and all users are
   * alike. If some send most of the documents, more pages are warm than this.
   */
  const newPageShareOf = (workers: number) => {
    if (input.isolation === 'job') return 1;
    if (input.isolation !== 'tenant') return 0;
    const comesBack = 1 - Math.exp((-rate / load.users / workers / 1000) * PAGE_IDLE_MS);
    return 1 - Math.min(1, warmPages / load.users, comesBack);
  };
  const fleetOf = (workers: number): Fleet => ({
    rate,
    cores,
    concurrency,
    workload: workloadOf({
      mix: input.mix,
      documents: input.calibration.documents,
      newPageShare: newPageShareOf(workers),
      coreSpeed: machine.coreSpeed,
      onWorker: ['workerMs', 'apiMs'],
    }),
  });
  let needed = 1;
  // With more workers each has fewer documents of the same tenant, and so fewer warm pages for them.
  for (let previous = 0; previous !== needed;) {
    previous = needed;
    needed = Math.max(needed, fewestWorkers(fleetOf(needed), targetP95Ms));
  }
  const count = needed + (input.spare ?? (load.pdfsPerHour >= ASSUMPTIONS.spareFrom ? 1 : 0));
  const fleet = fleetOf(count);
  const perWorker = maxRate(fleet);

  const { mean } = fleet.workload;
  const busyApi = (rate * mean.apiMs) / 1000;
  const processes = {
    serve: count === 1 ? 0 : Math.max(2, Math.ceil(busyApi / ASSUMPTIONS.mostDatabaseUtilisation)),
    work: count === 1 ? 0 : count,
    /** both in one process: a single worker */
    up: count === 1 ? 1 : 0,
  };
  // Each process sends its share of the statements. Each statement keeps a connection busy for a round trip as well.
  const connectionsOf = (kind: keyof typeof processes, role: ProcessRole) => {
    const load = processes[kind] === 0 ? 0 : ((rate / processes[kind]) * mean.databaseMs * 2) / 1000;
    const main = fewestServers(load, ASSUMPTIONS.connectionWait);
    let total = FEWEST_CONNECTIONS;
    while (splitConnections(total, role).main < main) total++;
    return total;
  };
  const connections = {
    serve: connectionsOf('serve', { isApi: true, isWorker: false }),
    work: connectionsOf('work', { isApi: false, isWorker: true }),
    up: connectionsOf('up', { isApi: true, isWorker: true }),
  };
  const inUse = processes.serve * connections.serve + processes.work * connections.work + processes.up * connections.up;
  const database = databaseFor(input, { rate, mean, connections: inUse });
  const costs = {
    workers: count * machine.monthly,
    database: database.price.monthly,
    storage: cents(database.plan.storageGb * input.prices.storageGb),
    loadBalancer: processes.serve + processes.up > 1 ? input.prices.loadBalancer : 0,
  };
  return {
    load: { ...load, peakPdfsPerSecond: rate, newPageShare: newPageShareOf(count) },
    workers: {
      count,
      /** of these, needed by the load alone */
      needed,
      size: machine.size,
      concurrency,
      warmPages,
      /** of everything on one such machine */
      memoryMb: Math.round(memoryMb + warmPages * MEMORY.warmPage),
    },
    processes: { ...processes, connections },
    connections: { fleet: inUse, ...database.connections },
    database: database.plan,
    /** at the peak, with every worker; milliseconds, documents a second */
    predicted: {
      ...predict(fleet, count),
      utilisation: rate / (count * perWorker),
      maxPerWorker: perWorker,
      maxThroughput: count * perWorker,
      utilisationWithoutOne: count > 1 ? rate / ((count - 1) * perWorker) : null,
    },
    monthly: { ...costs, total: cents(Object.values(costs).reduce((sum, cost) => sum + cost, 0)) },
  };
}

interface Fleet {
  /** documents a second */
  rate: number;
  /** of one worker */
  cores: number;
  concurrency: number;
  workload: Workload;
}

/** Documents a second of one worker that never waits for one. */
function maxRate({ cores, concurrency, workload }: Fleet): number {
  const { renderMs, newPageMs, idleMs, afterMs, parallelism } = workload.mean;
  const byCores = (cores * 1000) / (renderMs + newPageMs + afterMs);
  const bySlots = (concurrency * 1000) / (PICKUP_MS + idleMs + (renderMs + newPageMs) / parallelism);
  return Math.min(byCores, bySlots);
}

function fewestWorkers(fleet: Fleet, targetP95Ms: number): number {
  const seconds = (ms: number) => `${Number((ms / 1000).toPrecision(2))}s`;
  // A document with a machine to itself: more workers make it no faster.
  const alone = predict({ ...fleet, rate: 1e-6 }, 1).turnaround.p95;
  if (alone > targetP95Ms)
    throw new UsageError(
      `--target-p95: ${seconds(targetP95Ms)} cannot be had: one document in twenty takes ${seconds(alone)} with a machine to itself; allowed: more than that`,
    );
  let workers = Math.max(1, Math.ceil(fleet.rate / (maxRate(fleet) * ASSUMPTIONS.mostUtilisation)));
  while (predict(fleet, workers).turnaround.p95 > targetP95Ms) workers = Math.ceil(workers * 1.1);
  return workers;
}

function predict({ rate, cores, concurrency, workload }: Fleet, workers: number) {
  const simulated = Math.min(workers, MOST_SIMULATED);
  const { wait, turnaround } = simulate({
    workers: simulated,
    cores,
    slots: concurrency,
    pickupMs: PICKUP_MS,
    seed: 1,
    parallelism: Math.min(cores, workload.mean.parallelism),
    sparePages: SPARE_PAGES,
    rate: (rate * simulated) / workers,
    demand: workload.draw,
    documents: SIMULATED_DOCUMENTS,
  });
  return { wait, turnaround };
}

/** The cheapest database for the load. @param needs.connections of all processes */
function databaseFor(input: CapacityInput, needs: { rate: number; mean: Workload['mean']; connections: number }) {
  const { rate, mean, connections } = needs;
  const perDay = input.load.pdfsPerHour * ASSUMPTIONS.busyHoursPerDay;
  const days = input.retentionMs / DAY_MS;
  const pdfGb = (perDay * days * mean.pdfBytes) / GIGABYTE;
  const jobs = Math.ceil(perDay * (days + ASSUMPTIONS.rowDays));
  const dataGb = (jobs * ASSUMPTIONS.rowBytes) / GIGABYTE + (input.arePdfsInPostgres ? pdfGb : 0);
  const busyCores = (rate * mean.databaseMs) / 1000;
  const candidates = input.prices.databases.map((price) => {
    // The processes, and one command that runs at the same time.
    const command = connectionBudget({ fleet: { serve: 0, work: 0 }, each: 0, maxConnections: price.maxConnections });
    const { cores } = parseSize(price.size);
    return { price, cores, needed: connections + command.needed, available: command.available };
  });
  const [best] = candidates
    .filter(({ cores }) => busyCores <= cores * ASSUMPTIONS.mostDatabaseUtilisation)
    .filter(({ price, needed }) => needed <= price.maxConnections)
    .toSorted((a, b) => a.price.monthly - b.price.monthly);
  if (!best)
    throw new OperatorError(
      `No database of the price table carries ${Math.round(rate * 10) / 10} PDFs a second: it would need ${Math.ceil(busyCores / ASSUMPTIONS.mostDatabaseUtilisation)} cores and ${connections} connections. ` +
        'Add a larger one (--prices), put a pooler in between, or divide the users among several installations.',
    );
  const { price, cores, needed, available } = best;
  const storageGb = Math.max(10, Math.ceil(dataGb * 1.3)); // room for dead rows and the log
  return {
    price,
    plan: { size: price.size, storageGb, jobs, pdfGb: cents(pdfGb), utilisation: busyCores / cores },
    connections: { needed, available },
  };
}

const cents = (value: number) => Math.round(value * 100) / 100;
