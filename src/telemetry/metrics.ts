import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { PRIORITY_NAMES, priorityName } from '../domain/priority.ts';

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

/** What is queued, over all tenants and workers. */
export interface QueueFigures {
  /** jobs, by stored priority */
  depth: ReadonlyMap<number, number>;
  /** since the job that has waited longest was accepted; 0: none is queued */
  oldestSeconds: number;
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
  readonly completed = this.#counter('pdf_completed_total', 'Documents that became a PDF', ['tier']);
  readonly failed = this.#counter('pdf_failed_total', 'Documents given up, by error code', ['tier', 'reason']);
  readonly cancelled = this.#counter('pdf_cancelled_total', 'Documents that nobody wanted any more', []);
  readonly givenBack = this.#counter('pdf_given_back_total', 'Attempts after which the job went back to the queue', [
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
  readonly resultsThrownAway = this.#counter('pdf_fenced_total', 'Results thrown away: somebody newer had the job', []);

  readonly cacheRequests = this.#counter('cache_requests_total', 'Questions to a cache', ['cache', 'result']);
  readonly rateLimited = this.#counter('rate_limited_total', 'Requests over the limit of their tier', [
    'tier',
    'limit',
  ]);
  readonly pageRequests = this.#counter('warm_page_requests_total', 'Pages taken for a document', ['result']);
  readonly browserRestarts = this.#counter('browser_restarts_total', 'Browsers ended or replaced', ['reason']);
  readonly sacrificedDocuments = this.#counter('documents_sacrificed_total', 'Documents given up for memory', [
    'reason',
  ]);
  readonly egressDenied = this.#counter('egress_denied_total', 'Connections of documents that were refused', [
    'reason',
  ]);
  readonly jail = this.#gauge('jail', 'How documents are kept from the network: 1 for what is in force', {
    labelNames: ['kind'],
  });
  readonly sandbox = this.#gauge('chromium_sandbox', "Whether Chromium's sandbox is on");
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
        if (!depth) return;
        for (const priority of PRIORITY_NAMES) gauge.set({ priority }, 0);
        for (const [priority, jobs] of depth) gauge.inc({ priority: priorityName(priority) }, jobs);
      },
    });
    this.#gauge(
      'queue_oldest_seconds',
      'Since the job that has waited longest was accepted; told by one process for all',
      {
        collect: (gauge) => {
          const seen = figures();
          if (seen) gauge.set(seen.oldestSeconds);
          else gauge.remove();
        },
      },
    );
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

  /** From now on the worker is asked at each scrape. */
  watchSlots(state: () => SlotsState): void {
    this.#gauge('worker_slots', 'Documents that can be rendered at a time', {
      labelNames: ['state'],
      collect: (gauge) => {
        const { busy, limit } = state();
        gauge.set({ state: 'busy' }, busy);
        gauge.set({ state: 'free' }, Math.max(0, limit - busy));
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
