import { chromiumAgeSeconds } from '../domain/chromium-age.ts';
import { SERVICE_FAULTS } from '../domain/fault.ts';
import { PRIORITY_NAMES } from '../domain/priority.ts';
import type { QueueFigures } from '../domain/queue-figures.ts';
import { FIRST_TIERS } from '../domain/tier.ts';
import { BulkMetrics } from './bulk-metrics.ts';
import { DeliveryMetrics } from './delivery-metrics.ts';
import { MetricRegistry, STORE_BUCKETS } from './metric-registry.ts';

/** The state of a renderer. */
export interface RendererState {
  /** browser processes alive */
  browsers: number;
  /** documents being rendered in them */
  busy: number;
  /** pages kept warm */
  warm: number;
  /** pages that no document has used yet */
  spare: number;
  /** bytes of all browsers, as last measured */
  memoryBytes: number;
  /** memory used, as a part of the tightest limit: 0 to 1 */
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
  /** for now: what `auto` found best, or the setting */
  limit: number;
}

/** A file system, in bytes. */
interface DiskState {
  free: number;
  total: number;
}

/** The read replica, as last checked. */
interface ReplicaState {
  isHealthy: boolean;
  lagSeconds: number;
}

/** Seconds: from a warm page to the longest time limit of a document. */
const RENDER_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300];
/** Seconds: the same, and the time in the queue. */
const WAIT_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
const API_BUCKETS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const QUERY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Every metric of a process, declared once. Labels are bounded: never an id, a URL or a message. */
export class Metrics {
  readonly #registry = new MetricRegistry();
  readonly bulk = new BulkMetrics(this.#registry);
  readonly deliveries = new DeliveryMetrics(this.#registry);

  readonly apiRequests = this.#registry.counter('api_requests_total', 'Requests answered', 'tier', 'route', 'status');
  readonly apiResponse = this.#registry.histogram(
    'api_response_seconds',
    'From a request to its answer',
    API_BUCKETS,
    'route',
  );
  readonly cacheRequests = this.#registry.counter('cache_requests_total', 'Lookups in a cache', 'cache', 'result');
  readonly rateLimited = this.#registry.counter(
    'rate_limited_total',
    'Requests over the limit of their tier',
    'tier',
    'limit',
  );
  readonly replicaReads = this.#registry.counter(
    'replica_reads_total',
    'Listings and statistics, by where they were read',
    'where',
  );

  readonly eventsSent = this.#registry.counter('events_sent_total', 'Events sent to listeners', 'type');

  readonly submitted = this.#registry.counter('pdf_submitted_total', 'Jobs accepted', 'tier');
  readonly attempts = this.#registry.counter('pdf_attempts_total', 'Attempts started');
  readonly completed = this.#registry.counter(
    'pdf_completed_total',
    'Jobs completed; kind: single, or item of a batch',
    'tier',
    'kind',
  );
  readonly failed = this.#registry.counter(
    'pdf_failed_total',
    'Jobs failed, by error code; fault: of the document or of the service; kind: single, or item of a batch',
    'tier',
    'reason',
    'fault',
    'kind',
  );
  readonly cancelled = this.#registry.counter('pdf_cancelled_total', 'Jobs cancelled');
  readonly requeued = this.#registry.counter(
    'pdf_given_back_total',
    'Attempts after which the job was requeued',
    'reason',
  );
  readonly resultsDiscarded = this.#registry.counter(
    'pdf_fenced_total',
    'Results discarded: another worker had the job',
  );
  readonly wait = this.#registry.histogram(
    'pdf_wait_seconds',
    'From acceptance to the first attempt, without items of batches',
    WAIT_BUCKETS,
    'tier',
  );
  readonly generation = this.#registry.histogram(
    'pdf_generation_seconds',
    'Duration of the attempt that ended the job, until the PDF is stored',
    RENDER_BUCKETS,
    'tier',
  );
  readonly finishing = this.#registry.histogram(
    'finishing_seconds',
    'Duration of a step after print',
    RENDER_BUCKETS,
    'step',
  );
  readonly templateRender = this.#registry.histogram(
    'template_render_seconds',
    'From a template or markdown to its HTML, with the wait for a turn; kind: template or markdown',
    STORE_BUCKETS,
    'kind',
  );
  readonly turnaround = this.#registry.histogram(
    'pdf_turnaround_seconds',
    'From acceptance to the end of the job, without items of batches',
    WAIT_BUCKETS,
    'tier',
  );
  readonly workersLost = this.#registry.counter(
    'workers_lost_total',
    'Workers marked lost, by the process that noticed',
  );
  readonly sessionsLost = this.#registry.counter('worker_sessions_lost_total', 'Database sessions that workers lost');
  readonly processFailures = this.#registry.counter(
    'process_failures_total',
    'Uncaught errors: each stops its process',
  );
  readonly storeWritesFailed = this.#registry.counter(
    'store_writes_failed_total',
    'PDFs that could not be stored',
    'store',
    'reason',
  );

  readonly #storeDuration = this.#registry.histogram(
    'store_seconds',
    'Duration of what a store was asked to do; op: put, remove, or open, until the first bytes. A small PDF is put into Postgres by the statement that ends its job',
    STORE_BUCKETS,
    'op',
    'store',
  );

  readonly pageRequests = this.#registry.counter('warm_page_requests_total', 'Pages taken for a document', 'result');
  readonly browserRestarts = this.#registry.counter('browser_restarts_total', 'Browsers ended or replaced', 'reason');
  readonly evictedDocuments = this.#registry.counter(
    'documents_sacrificed_total',
    'Documents stopped because of their memory use',
    'reason',
  );
  readonly egressDenied = this.#registry.counter(
    'egress_denied_total',
    'Connections of documents, webhooks and uploads that were refused',
    'reason',
  );
  readonly jail = this.#registry.gauge('jail', 'How documents are isolated from the network: 1 for the kind in use', [
    'kind',
  ]);
  readonly sandbox = this.#registry.gauge('chromium_sandbox', "Whether Chromium's sandbox is on");
  readonly #chromiumInfo = this.#registry.gauge('chromium_info', 'Version of Chromium: always 1', ['version']);
  readonly buildInfo = this.#registry.gauge('build_info', 'Version and role of this process: always 1', [
    'version',
    'node',
    'role',
  ]);

  readonly #queryDuration = this.#registry.histogram(
    'db_query_duration_seconds',
    'Duration of statements, without the wait for a connection',
    QUERY_BUCKETS,
    'pool',
  );
  #chromium: string | undefined;
  readonly #pools = new Map<string, () => PoolState>();

  // Each `watch…` adds gauges that are read at each scrape.

  /** @param figures undefined while another process reports them */
  watchQueue(figures: () => QueueFigures | undefined): void {
    this.#registry.gauge(
      'queue_depth',
      'Jobs waiting, without items of batches; reported by one process for all',
      ['priority'],
      (gauge) => {
        gauge.reset();
        const depth = figures()?.depth;
        if (depth) for (const priority of PRIORITY_NAMES) gauge.set({ priority }, depth[priority] ?? 0);
      },
    );
    const watch = (name: string, help: string, read: (figures: QueueFigures) => number) =>
      this.#registry.gaugeForAll(name, help, figures, read);
    watch(
      'queue_oldest_seconds',
      'Age of the job that has waited longest, without items of batches',
      ({ oldestSeconds }) => oldestSeconds,
    );
    watch('jobs_scheduled', 'Jobs whose time is yet to come', ({ scheduled }) => scheduled);
    watch('paused_jobs', 'Jobs that are paused, with items of batches', ({ paused }) => paused);
    watch('workers', 'Workers alive', ({ workers }) => workers);
    watch(
      'desired_workers',
      'Workers needed to keep waits below AUTOSCALE_TARGET_WAIT',
      ({ desiredWorkers }) => desiredWorkers,
    );
    watch(
      'db_server_connections',
      'Connections of all clients to the database server',
      ({ serverConnections }) => serverConnections.active,
    );
    watch(
      'db_server_connections_max',
      'Connections that the database server allows',
      ({ serverConnections }) => serverConnections.max,
    );
  }

  /** @param takenAt undefined: none was made, or another process reports it */
  watchBackups(takenAt: () => Date | undefined): void {
    const help = 'Of what the last backup by `pdfprompt backup` has in it';
    this.#registry.gaugeForAll('last_backup_timestamp_seconds', help, takenAt, (at) => at.getTime() / 1_000);
  }

  /** This process ends jobs of a tier: its counters of rare faults start at 0, so that the first fault is an increase. */
  expectJobsOf(tier: string): void {
    for (const kind of ['single', 'item']) {
      this.completed.inc({ tier, kind }, 0);
      for (const reason of SERVICE_FAULTS) this.failed.inc({ tier, reason, fault: 'service', kind }, 0);
    }
  }

  chromiumStarted(version: string): void {
    if (this.#chromium === undefined)
      this.#registry.gauge(
        'chromium_age_seconds',
        "Time since the stable release of Chromium's major version, by the published schedule",
        [],
        (gauge) => gauge.set(chromiumAgeSeconds(this.#chromium ?? '', Date.now()) ?? 0),
      );
    if (this.#chromium === version) return;
    this.#chromium = version;
    this.#chromiumInfo.reset();
    this.#chromiumInfo.set({ version }, 1);
  }

  /** @returns a callback for the duration of each statement of a pool, in seconds */
  statements(pool: string): (seconds: number) => void {
    return (seconds) => this.#queryDuration.observe({ pool }, seconds);
  }

  /** A store has done, or failed to do, what it was asked to. */
  storeOperation(op: 'put' | 'open' | 'remove', store: string, seconds: number): void {
    this.#storeDuration.observe({ op, store }, seconds);
  }

  watchPool(pool: string, state: () => PoolState): void {
    if (this.#pools.size === 0) {
      const watch = (name: string, help: string, read: (state: PoolState) => number) =>
        this.#registry.gauge(name, help, ['pool'], (gauge) => {
          for (const [label, stateOf] of this.#pools) gauge.set({ pool: label }, read(stateOf()));
        });
      watch('db_connections_active', 'Connections to Postgres in use', ({ active }) => active);
      watch('db_connections_max', 'Connections to Postgres, at most', ({ max }) => max);
    }
    this.#pools.set(pool, state);
  }

  watchListeners(size: () => number): void {
    this.#registry.gauge('event_listeners', 'Connections that listen to events', [], (gauge) => gauge.set(size()));
  }

  watchRenderer(state: () => RendererState): void {
    const watch = (name: string, help: string, read: () => number) =>
      this.#registry.gauge(name, help, [], (gauge) => gauge.set(read()));
    watch('browser_pool_size', 'Browser processes alive', () => state().browsers);
    watch('browser_memory_bytes', 'Memory that only the browsers use, measured every 10 s', () => state().memoryBytes);
    watch('warm_pages', 'Pages kept warm for their tenants', () => state().warm);
    watch('spare_pages', 'Pages kept ready for tenants without a warm one', () => state().spare);
    watch(
      'memory_pressure_ratio',
      'Memory used, as a part of the tightest limit of this process',
      () => state().memoryRatio,
    );
  }

  /** The counters of a worker's rare faults start at 0 too. */
  watchSlots(state: () => SlotsState): void {
    for (const tier of FIRST_TIERS) this.expectJobsOf(tier);
    for (const result of ['completed', 'failed']) this.bulk.items.inc({ result }, 0);
    for (const reason of ['retry', 'interrupted', 'memory', 'browser', 'room', 'store', 'finishing'])
      this.requeued.inc({ reason }, 0);
    for (const reason of ['crashed', 'unresponsive']) this.browserRestarts.inc({ reason }, 0);
    for (const reason of ['too large', 'fills the memory', 'largest']) this.evictedDocuments.inc({ reason }, 0);
    this.#registry.gauge('worker_slots', 'Documents that can be rendered at a time', ['state'], (gauge) => {
      const { busy, limit } = state();
      gauge.set({ state: 'busy' }, busy);
      gauge.set({ state: 'free' }, Math.max(0, limit - busy));
    });
  }

  watchRegistration(isHeld: () => boolean): void {
    this.#registry.gauge(
      'worker_registered',
      'Whether the worker has the database session that it needs to claim jobs',
      [],
      (gauge) => gauge.set(Number(isHeld())),
    );
  }

  /** @param hasRoom whether the worker can write to each place */
  watchRoom(
    { kind: store, fullReason }: { kind: string; fullReason: string },
    hasRoom: Record<'store' | 'temporary', () => boolean>,
  ): void {
    for (const reason of ['altered', 'slow', fullReason]) this.storeWritesFailed.inc({ store, reason }, 0);
    const help = 'Whether the worker can store PDFs and temporary files; if not, it claims no job';
    this.#registry.gauge('worker_has_room', help, ['place'], (gauge) => {
      for (const [place, isOk] of Object.entries(hasRoom)) gauge.set({ place }, Number(isOk()));
    });
  }

  /** @param states by place; those that are unknown are left out */
  watchDisks(states: () => ReadonlyMap<string, DiskState>): void {
    const watch = (name: string, help: string, read: (room: DiskState) => number) =>
      this.#registry.gauge(name, help, ['place'], (gauge) => {
        gauge.reset();
        for (const [place, room] of states()) gauge.set({ place }, read(room));
      });
    watch(
      'disk_free_bytes',
      'Free space where this process writes; place: store, database (the embedded one) or temporary',
      ({ free }) => free,
    );
    watch('disk_size_bytes', 'All space there', ({ total }) => total);
  }

  watchReplica(state: () => ReplicaState): void {
    this.#registry.gauge('replica_healthy', 'Whether the read replica is used', [], (gauge) =>
      gauge.set(Number(state().isHealthy)),
    );
    this.#registry.gauge('replica_lag_seconds', 'How far the read replica is behind the primary', [], (gauge) =>
      gauge.set(state().lagSeconds),
    );
  }

  /** In Prometheus's text format. */
  text(): Promise<{ body: string; contentType: string }> {
    return this.#registry.text();
  }
}
