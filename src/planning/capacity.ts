import { connectionBudget, FEWEST_CONNECTIONS, type ProcessRole, splitConnections } from '../config/connections.ts';
import { OperatorError, UsageError } from '../kernel/errors.ts';
import type { Calibration } from './calibration.ts';
import { type Mix, type Workload, workloadOf } from './document-cost.ts';
import { fewestServers } from './erlang.ts';
import { type DatabasePrice, type MachinePrice, parseSize, type SetupPrices } from './prices.ts';
import { type Percentiles, simulate } from './queueing-model.ts';

/** What a plan takes for granted. Each is said with the plan, and those with a flag can be changed. */
export const ASSUMPTIONS = {
  /** PDFs of a user in the busiest hour */
  pdfsPerUser: 0.5,
  /** the busiest minutes of that hour, beside its average */
  peakFactor: 3,
  /** of a worker's cores at the peak, at most: above it, any error becomes a backlog */
  mostUtilisation: 0.75,
  /** of the database's cores at the peak, and of an API process's one */
  mostDatabaseUtilisation: 0.5,
  /** busiest hours that make a day */
  busyHoursPerDay: 10,
  /** milliseconds */
  targetP95Ms: 5_000,
  /** PDFs an hour, from which on a worker and an API process more than needed are planned */
  spareFrom: 500,
  /** bytes of a job in the database without its PDF, indexes included */
  rowBytes: 4_096,
  /** days that a job is told of after its PDF has expired */
  toldDays: 30,
  /** share of requests that may find no connection free, and wait for a moment */
  connectionWait: 0.01,
} as const;

/** Megabytes. */
const MEMORY = { worker: 220, serve: 150, browser: 250, document: 150, warmPage: 20, postgres: 512 };
/** Share of a worker's memory that warm pages get, at most, and that is given out in all (render/governor.ts). */
const SHARE = { warmPages: 0.4, all: 0.8 };

export interface CapacityInput {
  load: { users: number; pdfsPerHour: number };
  mix: Mix;
  calibration: Calibration;
  prices: SetupPrices;
  /** cores x GB of a worker's machine; the cheapest that does unless given */
  workerSize?: string | undefined;
  targetP95Ms?: number;
  peakFactor?: number;
  /** workers beyond those that the load needs */
  spare?: number | undefined;
  /** milliseconds that a PDF is kept */
  retentionMs: number;
  arePdfsInPostgres: boolean;
}

interface FleetOfProcesses {
  /** 0 with `up`, which is both */
  serve: number;
  work: number;
  up: number;
}

export interface Plan {
  load: { users: number; pdfsPerHour: number; peakPdfsPerSecond: number; newPageShare: number };
  workers: {
    count: number;
    /** of these, needed by the load alone */
    needed: number;
    size: string;
    concurrency: number;
    /** of all that is on one such machine */
    memoryMb: number;
    warmPages: number;
  };
  processes: FleetOfProcesses & { connections: { serve: number; work: number; up: number } };
  connections: { fleet: number; needed: number; available: number };
  database: { size: string; storageGb: number; pdfGb: number; jobs: number; utilisation: number };
  /** at the peak, with every worker; milliseconds */
  predicted: {
    wait: Percentiles;
    turnaround: Percentiles;
    utilisation: number;
    /** of one worker, and of all, documents a second */
    maxPerWorker: number;
    maxThroughput: number;
    /** with one worker fewer, if there is more than one */
    utilisationWithoutOne: number | null;
  };
  monthly: { workers: number; database: number; storage: number; loadBalancer: number; total: number };
}

const GIGABYTE = 1024 ** 3;
const DAY_MS = 86_400_000;

/** @throws UsageError, OperatorError if no plan keeps what is asked for */
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

function planWith(input: CapacityInput, machine: MachinePrice): Plan {
  const { load, mix, calibration, peakFactor = ASSUMPTIONS.peakFactor } = input;
  const { users, pdfsPerHour } = load;
  const { cores, memoryGb } = parseSize(machine.size);
  const rate = (pdfsPerHour * peakFactor) / 3600;
  const concurrency = cores + 1;
  const warmPages = warmPagesOf(memoryGb, concurrency);
  const shapeFor = (workers: number): Shape => ({
    rate,
    cores,
    concurrency,
    workload: workloadOf({
      mix,
      documents: calibration.documents,
      newPageShare: newPageShareOf({
        users,
        rate,
        workers,
        warmPages,
      }),
      coreSpeed: machine.coreSpeed,
      sharesCoresWith: {
        api: true,
        database: false,
      },
    }),
  });
  let needed = 1;
  // More workers have fewer documents each of the same tenant, and so fewer warm pages for them.
  for (let more = 0; more !== needed;) {
    more = needed;
    needed = Math.max(needed, fewestWorkers(shapeFor(needed), input.targetP95Ms ?? ASSUMPTIONS.targetP95Ms));
  }
  const spare = input.spare ?? (pdfsPerHour >= ASSUMPTIONS.spareFrom ? 1 : 0);
  const count = needed + spare;
  const shape = shapeFor(count);
  const { workload } = shape;
  const predicted = predict(shape, count);
  const perWorker = maxRate(shape);

  const processes = processesFor(rate, workload, count);
  const connections = connectionsFor(rate, workload, processes);
  const fleet = processes.serve * connections.serve + processes.work * connections.work + processes.up * connections.up;
  const database = databaseFor(input, { rate, workload, fleet });
  const isBalanced = processes.serve + processes.up > 1;
  const monthly = {
    workers: count * machine.monthly,
    database: database.price.monthly,
    storage: cents(database.plan.storageGb * input.prices.storageGb),
    loadBalancer: isBalanced ? input.prices.loadBalancer : 0,
  };
  return {
    load: {
      users,
      pdfsPerHour,
      peakPdfsPerSecond: rate,
      newPageShare: newPageShareOf({ users, rate, workers: count, warmPages }),
    },
    workers: {
      count,
      needed,
      size: machine.size,
      concurrency,
      warmPages,
      memoryMb: Math.round(
        MEMORY.worker + MEMORY.serve + MEMORY.browser + concurrency * MEMORY.document + warmPages * MEMORY.warmPage,
      ),
    },
    processes: { ...processes, connections },
    connections: { fleet, ...database.connections },
    database: database.plan,
    predicted: {
      ...predicted,
      utilisation: rate / (count * perWorker),
      maxPerWorker: perWorker,
      maxThroughput: count * perWorker,
      utilisationWithoutOne: count > 1 ? rate / ((count - 1) * perWorker) : null,
    },
    monthly: { ...monthly, total: cents(Object.values(monthly).reduce((sum, each) => sum + each, 0)) },
  };
}

interface Shape {
  /** documents a second */
  rate: number;
  cores: number;
  concurrency: number;
  workload: Workload;
}

/** Milliseconds from the notifier to the start of a job whose worker is idle. */
const PICKUP_MS = 5;

/** Documents a second that one worker does when it never waits for one. */
function maxRate({ cores, concurrency, workload }: Omit<Shape, 'rate'>): number {
  const { renderMs, newPageMs, idleMs, workerMs, parallelism } = workload.mean;
  const byCores = (cores * 1000) / (renderMs + newPageMs + workerMs);
  const bySlots = (concurrency * 1000) / (PICKUP_MS + idleMs + (renderMs + newPageMs) / parallelism);
  return Math.min(byCores, bySlots);
}

function fewestWorkers(shape: Shape, targetP95Ms: number): number {
  let workers = Math.max(1, Math.ceil(shape.rate / (maxRate(shape) * ASSUMPTIONS.mostUtilisation)));
  // A document that has a machine to itself: more workers make nothing faster.
  const alone = predict({ ...shape, rate: 1e-6 }, 1).turnaround.p95;
  if (alone > targetP95Ms)
    throw new UsageError(
      `--target-p95: ${seconds(targetP95Ms)} cannot be had: one document in twenty takes ${seconds(alone)} with a machine to itself; allowed: more than that`,
    );
  while (predict(shape, workers).turnaround.p95 > targetP95Ms) workers = Math.ceil(workers * 1.1);
  return workers;
}

const seconds = (ms: number) => `${Number((ms / 1000).toPrecision(2))}s`;

/** More workers than these wait no longer than so many do with their share of the load. */
const MOST_SIMULATED = 20;
const SIMULATED_DOCUMENTS = 10_000;

function predict({ rate, cores, concurrency, workload }: Shape, workers: number) {
  const simulated = Math.min(workers, MOST_SIMULATED);
  const { wait, turnaround } = simulate({
    workers: simulated,
    cores,
    slots: concurrency,
    pickupMs: PICKUP_MS,
    seed: 1,
    parallelism: Math.min(cores, workload.mean.parallelism),
    rate: (rate * simulated) / workers,
    demand: workload.draw,
    documents: SIMULATED_DOCUMENTS,
  });
  return { wait, turnaround };
}

/** As many as `BROWSER_WARM_PAGES` allows, two fifths of the memory hold, and its documents leave room for. */
function warmPagesOf(memoryGb: number, concurrency: number): number {
  const memory = memoryGb * 1024;
  const taken = MEMORY.worker + MEMORY.serve + MEMORY.browser + concurrency * MEMORY.document;
  const room = Math.min(memory * SHARE.warmPages, memory * SHARE.all - taken);
  return Math.max(0, Math.min(200, Math.floor(room / MEMORY.warmPage)));
}

/** Milliseconds that a warm page is kept for its tenant (render/pool.ts). */
const PAGE_IDLE_MS = 300_000;

/**
 * Share of documents whose tenant has no warm page where the document is rendered: any worker takes any job, and
 * all users are alike. Where some come again and again, more pages are warm than this.
 */
function newPageShareOf(given: { users: number; rate: number; workers: number; warmPages: number }): number {
  const { users, rate, workers, warmPages } = given;
  const comesBack = 1 - Math.exp((-rate / users / workers / 1000) * PAGE_IDLE_MS);
  return 1 - Math.min(1, warmPages / users, comesBack);
}

/** A lone worker has the API with it (`up`). Else each API process stands beside a worker. */
function processesFor(rate: number, { mean }: Workload, workers: number): FleetOfProcesses {
  if (workers === 1) return { serve: 0, work: 0, up: 1 };
  const busy = (rate * mean.apiMs) / 1000;
  return { serve: Math.max(2, Math.ceil(busy / ASSUMPTIONS.mostDatabaseUtilisation)), work: workers, up: 0 };
}

/** The smallest `DATABASE_MAX_CONNECTIONS` of each process in which hardly anybody waits for one. */
function connectionsFor(rate: number, { mean }: Workload, { serve, work, up }: FleetOfProcesses) {
  /** Connections that a process keeps busy: every statement is a trip, and Postgres has to answer it. */
  const busy = (processes: number) => (processes === 0 ? 0 : ((rate / processes) * mean.databaseMs * 2) / 1000);
  const smallest = (load: number, role: ProcessRole) => {
    const needed = fewestServers(load, ASSUMPTIONS.connectionWait);
    let total = FEWEST_CONNECTIONS;
    while (splitConnections(total, role).main < needed) total++;
    return total;
  };
  return {
    serve: smallest(busy(serve), { isApi: true, isWorker: false }),
    work: smallest(busy(work), { isApi: false, isWorker: true }),
    up: smallest(busy(up), { isApi: true, isWorker: true }),
  };
}

interface DatabaseNeeds {
  rate: number;
  workload: Workload;
  /** connections of all processes */
  fleet: number;
}

function databaseFor(input: CapacityInput, { rate, workload, fleet }: DatabaseNeeds) {
  const { mean } = workload;
  const perDay = input.load.pdfsPerHour * ASSUMPTIONS.busyHoursPerDay;
  const days = input.retentionMs / DAY_MS;
  const pdfGb = (perDay * days * mean.pdfBytes) / GIGABYTE;
  const jobs = Math.ceil(perDay * (days + ASSUMPTIONS.toldDays));
  const rowGb = (jobs * ASSUMPTIONS.rowBytes) / GIGABYTE;
  const storageGb = Math.max(10, Math.ceil((rowGb + (input.arePdfsInPostgres ? pdfGb : 0)) * 1.3)); // room for dead rows and the log
  const busyCores = (rate * mean.databaseMs) / 1000;
  // Each kind of process has a number of its own, so the budget is of the kinds, and one command beside them all.
  const budgetOf = ({ maxConnections }: DatabasePrice) => {
    const command = connectionBudget({ fleet: { serve: 0, work: 0 }, each: 0, maxConnections });
    return { needed: fleet + command.needed, available: command.available };
  };
  const fits = (price: DatabasePrice) =>
    busyCores <= parseSize(price.size).cores * ASSUMPTIONS.mostDatabaseUtilisation &&
    budgetOf(price).needed <= price.maxConnections;
  const [price] = input.prices.databases.filter(fits).toSorted((a, b) => a.monthly - b.monthly);
  if (!price)
    throw new OperatorError(
      `No database of the price table carries ${Math.round(rate * 10) / 10} PDFs a second: it would need ${Math.ceil(busyCores / ASSUMPTIONS.mostDatabaseUtilisation)} cores and ${fleet} connections. ` +
        'Add a larger one (--prices), put a pooler in between, or divide the users among several installations.',
    );
  const { needed, available } = budgetOf(price);
  return {
    price,
    plan: {
      size: price.size,
      storageGb,
      jobs,
      pdfGb: cents(pdfGb),
      utilisation: busyCores / parseSize(price.size).cores,
    },
    connections: { needed, available },
  };
}

const cents = (value: number) => Math.round(value * 100) / 100;
