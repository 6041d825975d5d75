import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { chromiumAgeSeconds } from '../domain/chromium-age.ts';
import { SERVICE_FAULTS } from '../domain/fault.ts';
import { PRIORITY_NAMES } from '../domain/priority.ts';
import type { QueueFigures } from '../domain/queue-figures.ts';
import { FIRST_TIERS } from '../domain/tier.ts';

/** What a renderer says of itself. */
export interface RendererState {
  /** browser processes alive */
  browsers: number;
  /** documents being rendered in them */
  busy: number;
  /** pages kept warm */
  warm: number;
  /** bytes of all browsers, as last looked at */
  memoryBytes: number;
  /** memory used, of what there is: 0 to 1 */
  memoryRatio: number;
}

/** Connections of a pool. */
export interface PoolState {
  active: number;
  max: number;
}

/** Slots of a worker. */
export interface SlotsState {
  busy: number;
  /** for now: what `auto` found best, or what was given */
  limit: number;
}

/** The read replica, as last looked at. */
interface ReplicaState {
  isHealthy: boolean;
  lagSeconds: number;
}

/** Seconds: from what a warm page takes to the longest time that a document may. */
const RENDER_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300];
/** Seconds: the same, and what a queue can add to it. */
const WAIT_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
const API_BUCKETS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Every metric of a process, declared once. Labels are bounded: never an id, an address or a message. */
export class Metrics {
  readonly #registry = new Registry();

  readonly apiRequests = this.#counter('api_requests_total', 'Requests answered', ['tier', 'route', 'status']);
  readonly apiResponse = this.#histogram('api_response_seconds', 'From a request to its answer', {
    labelNames: ['route'],
    buckets: API_BUCKETS,
  });
  readonly submitted = this.#counter('pdf_submitted_total', 'Documents accepted', ['tier']);
  readonly attempts = this.#counter('pdf_attempts_total', 'Attempts at documents that were begun', []);
  readonly completed = this.#counter('pdf_completed_total', 'Documents that became a PDF', ['tier']);
  readonly failed = this.#counter(
    'pdf_failed_total',
    "Documents given up, by error code; fault: the document's or ours",
    ['tier', 'reason', 'fault'],
  );
  readonly cancelled = this.#counter('pdf_cancelled_total', 'Documents that nobody wanted any more', []);
  readonly requeued = this.#counter('pdf_given_back_total', 'Attempts after which the job went back to the queue', [
    'reason',
  ]);
  readonly wait = this.#histogram('pdf_wait_seconds', 'From acceptance to the first attempt', {
    labelNames: ['tier'],
    buckets: WAIT_BUCKETS,
  });
  readonly generation = this.#histogram('pdf_generation_seconds', 'An attempt that ended the job, until it is stored', {
    labelNames: ['tier'],
    buckets: RENDER_BUCKETS,
  });
  readonly turnaround = this.#histogram('pdf_turnaround_seconds', 'From acceptance to the end of the job', {
    labelNames: ['tier'],
    buckets: WAIT_BUCKETS,
  });
  readonly workersLost = this.#counter('workers_lost_total', 'Workers taken for dead, by whoever noticed', []);
  readonly sessionsLost = this.#counter('worker_sessions_lost_total', 'Sessions of workers that were cut', []);
  readonly processFailures = this.#counter(
    'process_failures_total',
    'Errors that nothing could catch, each of which stops its process',
    [],
  );
  readonly resultsDiscarded = this.#counter('pdf_fenced_total', 'Results thrown away: somebody newer had the job', []);
  readonly storeWritesFailed = this.#counter('store_writes_failed_total', 'PDFs that the store did not keep', [
    'store',
    'reason',
  ]);

  readonly cacheRequests = this.#counter('cache_requests_total', 'Questions to a cache', ['cache', 'result']);
  readonly rateLimited = this.#counter('rate_limited_total', 'Requests over the limit of their tier', [
    'tier',
    'limit',
  ]);
  readonly pageRequests = this.#counter('warm_page_requests_total', 'Pages taken for a document', ['result']);
  readonly browserRestarts = this.#counter('browser_restarts_total', 'Browsers ended or replaced', ['reason']);
  readonly evictedDocuments = this.#counter('documents_sacrificed_total', 'Documents given up for memory', ['reason']);
  readonly egressDenied = this.#counter('egress_denied_total', 'Connections of documents that were refused', [
    'reason',
  ]);
  readonly jail = this.#gauge('jail', 'How documents are kept from the network: 1 for what is in force', {
    labelNames: ['kind'],
  });
  readonly #chromiumInfo = this.#gauge('chromium_info', 'Which Chromium renders: always 1', {
    labelNames: ['version'],
  });
  readonly sandbox = this.#gauge('chromium_sandbox', "Whether Chromium's sandbox is on");
  readonly buildInfo = this.#gauge('build_info', 'Which pdfprompt this is, and what it does: always 1', {
    labelNames: ['version', 'node', 'role'],
  });
  readonly replicaReads = this.#counter('replica_reads_total', 'Listings and statistics, by where they were read', [
    'where',
  ]);

  readonly #queryDuration = this.#histogram(
    'db_query_duration_seconds',
    'Statements, without the wait for a connection',
    {
      labelNames: ['pool'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    },
  );
  #chromium: string | undefined;
  readonly #pools = new Map<string, () => PoolState>();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** From now on the figures of the queue are asked for at each scrape; undefined: another process tells of them. */
  watchQueue(figures: () => QueueFigures | undefined): void {
    this.#gauge('queue_depth', 'Jobs that wait; told by one process for all', {
      labelNames: ['priority'],
      collect: (gauge) => {
        gauge.reset();
        const depth = figures()?.depth;
        if (depth) for (const priority of PRIORITY_NAMES) gauge.set({ priority }, depth[priority] ?? 0);
      },
    });
    const watch = (name: string, help: string, read: (seen: QueueFigures) => number) =>
      this.#gauge(name, `${help}; told by one process for all`, {
        collect: (gauge) => {
          const seen = figures();
          if (seen) gauge.set(read(seen));
          else gauge.remove();
        },
      });
    watch('queue_oldest_seconds', 'Since the job that has waited longest was accepted', (seen) => seen.oldestSeconds);
    watch('workers', 'Workers alive', ({ workers }) => workers);
    watch('desired_workers', 'Workers that keep waits below AUTOSCALE_TARGET_WAIT', (seen) => seen.desiredWorkers);
    watch(
      'db_server_connections',
      "Connections of everybody to the database's server",
      (seen) => seen.serverConnections.active,
    );
    watch('db_server_connections_max', 'Connections that the server takes', (seen) => seen.serverConnections.max);
  }

  /** From now on this process ends jobs of a tier: counters of what is rare are there before it happens. */
  expectJobsOf(tier: string): void {
    this.completed.inc({ tier }, 0);
    for (const reason of SERVICE_FAULTS) this.failed.inc({ tier, reason, fault: 'service' }, 0);
  }

  /** A browser of this version was started. */
  chromiumStarted(version: string): void {
    if (this.#chromium === undefined)
      this.#gauge(
        'chromium_age_seconds',
        "Since the stable release of Chromium's major version, by the published cadence",
        {
          collect: (gauge) => gauge.set(chromiumAgeSeconds(this.#chromium ?? '', Date.now()) ?? 0),
        },
      );
    if (this.#chromium === version) return;
    this.#chromium = version;
    this.#chromiumInfo.reset();
    this.#chromiumInfo.set({ version }, 1);
  }

  /** To be told of each statement of a pool, in seconds. */
  statements(pool: string): (seconds: number) => void {
    return (seconds) => this.#queryDuration.observe({ pool }, seconds);
  }

  /** From now on a pool of connections is asked at each scrape. */
  watchPool(pool: string, state: () => PoolState): void {
    if (this.#pools.size === 0) {
      const watch = (name: string, help: string, read: (state: PoolState) => number) =>
        this.#gauge(name, help, {
          labelNames: ['pool'],
          collect: (gauge) => {
            for (const [label, its] of this.#pools) gauge.set({ pool: label }, read(its()));
          },
        });
      watch('db_connections_active', 'Connections to Postgres at work', ({ active }) => active);
      watch('db_connections_max', 'Connections to Postgres, at most', ({ max }) => max);
    }
    this.#pools.set(pool, state);
  }

  /** From now on the renderer is asked at each scrape. */
  watchRenderer(state: () => RendererState): void {
    const watch = (name: string, help: string, read: () => number) =>
      this.#gauge(name, help, { collect: (gauge) => gauge.set(read()) });
    watch('browser_pool_size', 'Browser processes alive', () => state().browsers);
    watch(
      'browser_memory_bytes',
      'Memory that only the browsers hold, looked at every 10 s',
      () => state().memoryBytes,
    );
    watch('warm_pages', 'Pages kept warm for their tenants', () => state().warm);
    watch('memory_pressure_ratio', 'Memory used, of what limits this process most', () => state().memoryRatio);
  }

  /**
   * From now on the worker is asked at each scrape. What can go wrong in it begins at 0: a counter that
   * begins with its first event has never risen, for whoever looks at increases.
   */
  watchSlots(state: () => SlotsState): void {
    for (const tier of FIRST_TIERS) this.expectJobsOf(tier);
    for (const reason of ['retry', 'interrupted', 'memory', 'browser', 'room', 'store'])
      this.requeued.inc({ reason }, 0);
    for (const reason of ['crashed', 'unresponsive']) this.browserRestarts.inc({ reason }, 0);
    for (const reason of ['too large', 'fills the memory', 'largest']) this.evictedDocuments.inc({ reason }, 0);
    this.#gauge('worker_slots', 'Documents that can be rendered at a time', {
      labelNames: ['state'],
      collect: (gauge) => {
        const { busy, limit } = state();
        gauge.set({ state: 'busy' }, busy);
        gauge.set({ state: 'free' }, Math.max(0, limit - busy));
      },
    });
  }

  /** From now on the worker's registration is asked for at each scrape. */
  watchRegistration(isHeld: () => boolean): void {
    this.#gauge('worker_registered', 'Whether the worker has the session without which it claims nothing', {
      collect: (gauge) => gauge.set(isHeld() ? 1 : 0),
    });
  }

  /** From now on the places where a worker writes are asked at each scrape. */
  watchRoom(store: 'postgres' | 'file', hasRoom: Record<'store' | 'temporary', () => boolean>): void {
    for (const reason of ['altered', store === 'file' ? 'ENOSPC' : '53100'])
      this.storeWritesFailed.inc({ store, reason }, 0);
    this.#gauge('worker_has_room', 'Whether the worker can write what it has to; without, it claims nothing', {
      labelNames: ['place'],
      collect: (gauge) => {
        for (const [place, isOk] of Object.entries(hasRoom)) gauge.set({ place }, isOk() ? 1 : 0);
      },
    });
  }

  /** From now on the read replica's state is asked for at each scrape. */
  watchReplica(state: () => ReplicaState): void {
    this.#gauge('replica_healthy', 'Whether the read replica is used', {
      collect: (gauge) => gauge.set(state().isHealthy ? 1 : 0),
    });
    this.#gauge('replica_lag_seconds', 'How far the read replica is behind the primary', {
      collect: (gauge) => gauge.set(state().lagSeconds),
    });
  }

  /** In Prometheus's text format. */
  async text(): Promise<{ body: string; contentType: string }> {
    return { body: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `pdfprompt_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, options: { labelNames: string[]; buckets: number[] }): Histogram {
    return new Histogram({ name: `pdfprompt_${name}`, help, ...options, registers: [this.#registry] });
  }

  #gauge(
    name: string,
    help: string,
    { labelNames = [], collect }: { labelNames?: string[]; collect?: (gauge: Gauge) => void } = {},
  ): Gauge {
    const gauge: Gauge = new Gauge({
      name: `pdfprompt_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      ...(collect && { collect: () => collect(gauge) }),
    });
    return gauge;
  }
}
