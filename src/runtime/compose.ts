import { sql } from 'drizzle-orm';
import { type ConnectionSplit, type ProcessRole, splitConnections } from '../config/connections.ts';
import type { Config } from '../config/load.ts';
import { embeddedDirectory } from '../db/embedded.ts';
import { Notifier, type NotifierEvent } from '../db/notifier.ts';
import { DatabaseWatch } from '../db/database-watch.ts';
import type { Database, Pool } from '../db/pools.ts';
import { assetChunk } from '../db/schema.ts';
import { checkTenantRole, TENANT_ROLE } from '../db/tenant.ts';
import { QueueWatch } from '../jobs/queue-watch.ts';
import { OperatorError } from '../kernel/errors.ts';
import { type Condition, Health } from '../kernel/health.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { MemoryReading } from '../memory/reading.ts';
import { JobQueue } from '../queue/boss.ts';
import type { StepList } from '../finishing/step.ts';
import type { Renderer } from '../render/renderer.ts';
import { ScheduleTicker } from '../schedules/ticker.ts';
import { type Store, StoreFailure } from '../storage/store.ts';
import { Stores } from '../storage/stores.ts';
import type { OnStoreOperation } from '../storage/timed-store.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import { Tracing } from '../telemetry/tracing.ts';
import { DiskWatch } from './disk-watch.ts';
import type { DatabaseHandle } from './acquire-database.ts';
import { VERSION } from './version.ts';
import { databaseError, openConfiguredPool } from './database.ts';

/** Parts that a caller, such as a test, provides. The rest is composed as always. */
export interface Overrides {
  events?: Events;
  /** used instead of one that is acquired by the settings; released at the end */
  database?: Promise<DatabaseHandle>;
  /** used instead of one that is made by the settings; started and stopped with the worker */
  renderer?: Renderer;
  /** after print, instead of the product's */
  steps?: StepList;
  /** used instead of what the kernel reports about this process's memory */
  readMemory?: (() => MemoryReading | undefined) | undefined;
}

/** What every process is made of, whatever its role. */
export interface Base {
  config: Config;
  /** of the database, bypassing a pooler */
  directUrl: string;
  /** as pg_stat_activity shows it */
  name: string;
  log: Logger;
  events: Events;
  tracing: Tracing;
  health: Health;
  /** whether the database can be used */
  database: Condition;
  /** for writes, and for reads of what belongs to no tenant */
  db: Database;
  /** for reads of one tenant's data, under row-level security (`db/tenant.ts`) */
  reads: Database;
  /** for slow background work, so that it takes no connection from requests */
  adminDb: Database;
  /** how many connections each of them may open */
  connections: ConnectionSplit;
  notifier: Notifier;
  queue: JobQueue;
  /** where new PDFs are kept */
  store: Store;
  /** where PDFs are read */
  stores: Stores;
  /** where the files of documents are kept: in the same places, and in a table of their own in the database */
  assetStores: Stores;
  /** where this process writes */
  diskWatch: DiskWatch;
  /** started in this order, stopped in the opposite one */
  services: Service[];
  /** closes the database; called last */
  release(): Promise<void>;
}

const EVERY_EVENTS = ['scheduled'] as const;
const API_EVENTS = ['ended', 'jobs', 'accounts', 'tiers'] as const;
const WORKER_EVENTS = ['queued', 'ended'] as const;
const DELIVERER_EVENTS = ['deliveries'] as const;

interface ComposeOptions extends Pick<ProcessRole, 'isApi' | 'isWorker'> {
  /** whether it sends webhooks and uploads; default: as a worker */
  isDeliverer?: boolean;
  config: Config;
  log: Logger;
  events: Events;
  /** `pdfprompt serve`, … as pg_stat_activity shows it */
  name: string;
  /** released by {@link Base.release}, or if composing fails */
  handle: DatabaseHandle;
}

/** Builds what every process needs. Each part gets only what it uses. */
export async function composeBase(options: ComposeOptions): Promise<Base> {
  const { config, log, events, name, isApi, isWorker, isDeliverer = isWorker, handle } = options;
  const split = splitConnections(config.databaseMaxConnections, { isApi, isWorker, isEmbedded: handle.isEmbedded });
  const pools: Pool[] = [];
  const open = (label: string, max: number, role?: string) => {
    const applicationName = label === 'main' ? name : `${name} ${label}`;
    const onStatement = events.metrics.statements(label);
    const pool = openConfiguredPool(config, { url: handle.url, applicationName, max, role, onStatement });
    events.metrics.watchPool(label, () => pool.state());
    pools.push(pool);
    return pool.db;
  };
  const release = async () => {
    await Promise.all(pools.map((pool) => pool.close()));
    await handle.release();
  };
  try {
    const measured: OnStoreOperation = (...done) => events.metrics.storeOperation(...done);
    const stores = new Stores(config, measured);
    const assetStores = new Stores(config, measured, assetChunk);
    const store = stores.current;
    await store.check().catch((error: unknown) => {
      // An API accepts jobs without its store, and webhooks need none.
      if (isWorker || !(error instanceof OperatorError && error.cause instanceof StoreFailure)) throw error;
      events.backgroundFailed('checking PDF_STORE', error);
    });
    const db = open('main', split.main);
    await (isApi ? checkTenantRole(db) : db.execute(sql`select 1`)); // finds a fault of the database now, not at the first request
    const notifier = new Notifier({
      url: handle.directUrl,
      applicationName: name,
      connectTimeoutMs: config.databaseConnectTimeoutMs,
      events: [
        ...new Set<NotifierEvent>([
          ...EVERY_EVENTS,
          ...(isApi ? API_EVENTS : []),
          ...(isWorker ? WORKER_EVENTS : []),
          ...(isDeliverer ? DELIVERER_EVENTS : []),
        ]),
      ],
    });
    const queue = new JobQueue({
      db,
      supervise: isWorker,
      onError: (error) => events.backgroundFailed('the queue', error),
    });
    const adminDb = open('admin', split.admin);
    const databaseWatch = new DatabaseWatch({ db, events });
    const health = new Health();
    health.needs(databaseWatch.condition);
    const tracing = new Tracing({
      settings: config.tracing,
      service: name.replaceAll(' ', '-'),
      version: VERSION,
      graceMs: config.shutdownGraceMs,
      events,
    });
    const queueWatch = new QueueWatch({ db: adminDb, events, policy: config.autoscale });
    events.metrics.watchQueue(() => queueWatch.figures);
    events.metrics.bulk.expectSchedules();
    events.metrics.bulk.watchBatches(() => queueWatch.batches);
    events.metrics.deliveries.watchDeliveries(() => queueWatch.deliveries);
    events.metrics.watchBackups(() => queueWatch.backup?.takenAt);
    const diskWatch = new DiskWatch({ places: await placesOf(config, handle) });
    events.metrics.watchDisks(() => diskWatch.states);
    const role = name.replace(/^pdfprompt /, '');
    events.metrics.buildInfo.set({ version: VERSION, node: process.versions.node, role }, 1);
    return {
      config,
      directUrl: handle.directUrl,
      name,
      log,
      events,
      tracing,
      health,
      database: databaseWatch.condition,
      db,
      reads: open('reads', split.reads, TENANT_ROLE), // opens no connection before it is used
      adminDb,
      connections: split,
      notifier,
      queue,
      store,
      stores,
      assetStores,
      diskWatch,
      services: [
        tracing,
        diskWatch,
        databaseWatch,
        queue,
        notifier,
        queueWatch,
        new ScheduleTicker({ db: adminDb, notifier, events }),
      ],
      release,
    };
  } catch (error) {
    await release();
    throw databaseError(error, handle.url);
  }
}

/** Directories that every process writes to, or that its database does. */
async function placesOf(config: Config, { isEmbedded }: DatabaseHandle): Promise<Record<string, string>> {
  return {
    ...(config.pdfStore.kind === 'file' && { store: config.pdfStore.directory }),
    ...(isEmbedded && { database: await embeddedDirectory(config.dataDir) }),
  };
}
