import { setTimeout as sleep } from 'node:timers/promises';
import { AccountCaches } from '../accounts/account-caches.ts';
import { KeyUse } from '../accounts/key-use.ts';
import { Limiter } from '../accounts/limits.ts';
import { Principals } from '../accounts/principals.ts';
import { BulkRunner } from '../bulk/bulk-runner.ts';
import { KnownAnswers } from '../cache/known-answers.ts';
import { EventHub } from '../deliveries/event-hub.ts';
import { ReadRouter } from '../db/read-router.ts';
import { EgressPolicy } from '../egress/policy.ts';
import { createApp } from '../http/app.ts';
import { HttpServer } from '../http/server.ts';
import { UnderWay } from '../http/under-way.ts';
import { UploadSpace } from '../http/upload-space.ts';
import { type EndedJob, JobReader } from '../jobs/job-reader.ts';
import { JobWaiters } from '../jobs/waiters.ts';
import { LinkKeys } from '../links/link-keys.ts';
import type { Service } from '../kernel/lifecycle.ts';
import { MEGABYTE } from '../kernel/units.ts';
import type { Base } from './compose.ts';
import { VERSION } from './version.ts';
import { replicaOptions } from './database.ts';
import { buildComposer } from './composer.ts';
import { buildThumbnailFinisher } from './thumbnail-finisher.ts';
import { maxRetentionSeconds } from './max-retention-seconds.ts';

export interface Api {
  /** started in this order, after the base's */
  services: Service[];
  server: HttpServer;
  underWay: UnderWay;
  /**
   * Keeps answering for `drainMs`, so that load balancers see the failing `/readyz` before connections are
   * refused. Then ends the waits of requests that wait for a job, and the streams of events.
   */
  drain(): Promise<void>;
  /** Ends a drain at once. */
  forceStop(): void;
}

/** Characters of all the ended jobs that are kept in memory. */
const ENDED_JOBS_SIZE = 32_000_000;

/** Of one user at a time, at most. */
const USER_LISTENERS = 100;

/** Listeners to events, at most: each takes a connection, and enough of them must be left for everything else. */
function listenersOf(connections: number): { all: number; user: number } {
  const part = (of: number) => Math.max(1, Math.floor(connections / of));
  return { all: part(2), user: Math.min(USER_LISTENERS, part(8)) };
}

/** The HTTP side of a process. @param drainMs milliseconds of {@link Api.drain} */
export async function buildApi(
  {
    config,
    directUrl,
    name,
    db,
    reads,
    adminDb,
    connections,
    queue,
    notifier,
    stores,
    assetStores,
    events,
    health,
    tracing,
  }: Base,
  { drainMs = 0 } = {},
): Promise<Api> {
  const forceStop = new AbortController();
  const max = config.cacheMaxEntries;
  const caches = new AccountCaches({
    notifier,
    max,
    ttlMs: { logins: config.cacheTtlSubscriptionsMs || Infinity, tiers: config.cacheTtlTiersMs || Infinity },
    onRequest: (cache, result) => events.cacheAsked(cache, result),
  });
  const keyUse = new KeyUse({
    db: adminDb,
    onError: (error) => events.backgroundFailed('recording the use of keys', error),
  });
  const principals = new Principals({
    db,
    logins: caches.logins,
    tiers: caches.tiers,
    onUse: (keyId) => keyUse.used(keyId),
  });
  const limiter = new Limiter({ refusals: caches.refusals, ttlMs: config.cacheTtlLimitsMs || Infinity });
  const endedJobs = new KnownAnswers<EndedJob>({
    max,
    maxSize: ENDED_JOBS_SIZE,
    onRequest: (result) => events.cacheAsked('jobs', result),
  });
  const jobs = new JobReader(reads, endedJobs);
  const waiters = new JobWaiters({ notifier, onEnd: (jobId) => jobs.forget(jobId) });
  const hub = new EventHub({
    notifier,
    db: adminDb,
    publicUrl: config.publicUrl,
    max: listenersOf(config.httpMaxConnections),
    onError: (error) => events.backgroundFailed('reading events', error),
  });
  events.metrics.watchListeners(() => hub.size);
  const readRouter = new ReadRouter({
    primary: reads,
    replica: replicaOptions(config, name, events.metrics.statements('replica')),
    events,
  });
  const underWay = new UnderWay({
    connections,
    maxConnections: config.httpMaxConnections,
    maxBufferedBytes: config.httpMaxBufferedMb * MEGABYTE,
    maxUploadBytes: config.uploadMaxMb * MEGABYTE,
  });
  const uploads = new UploadSpace({
    maxBytes: config.uploadMaxMb * MEGABYTE,
    maxFiles: config.uploadMaxFiles,
    events,
  });
  const batchUploads = new UploadSpace({
    maxBytes: config.batchMaxMb * MEGABYTE,
    maxFiles: config.uploadMaxFiles,
    events,
  });
  const composer = buildComposer({ config, events }, { isWarm: true });
  const pictures = buildThumbnailFinisher(events);
  const app = await createApp({
    db,
    reads,
    readRouter,
    adminDb,
    principals,
    limiter,
    egress: new EgressPolicy(config.egress),
    maxRetentionSeconds: maxRetentionSeconds(config),
    compat: { services: config.compat ?? [], user: config.compatUser, timeoutMs: config.compatTimeoutMs },
    ownUrl: () => server.url,
    publicUrl: config.publicUrl,
    corsOrigins: config.corsOrigins ?? [],
    jobs,
    queue,
    waiters,
    hub,
    stores,
    linkKeys: new LinkKeys(db),
    pictures,
    assetStores,
    assetBytes: config.assetsMaxMb * MEGABYTE,
    uploads,
    batchUploads,
    composer,
    events,
    version: VERSION,
    settings: config.given.filter(({ commands }) => commands.includes(name === 'pdfprompt serve' ? 'serve' : 'up')),
    examine: async () => {
      const { examineProcess } = await import('./examine-process.ts'); // few ask for it
      const isEmbedded = config.databaseUrl === undefined;
      return examineProcess(config, { url: config.databaseUrl ?? directUrl, directUrl, isEmbedded });
    },
    health,
    tracing,
    underWay,
  });
  const assetBytes = config.assetsMaxMb * MEGABYTE;
  const bulk = new BulkRunner({ db, reads, adminDb, queue, limiter, events, assetStores, assetBytes });
  const server = new HttpServer({
    app,
    host: config.host,
    port: config.port,
    maxConnections: config.httpMaxConnections,
    graceMs: config.shutdownGraceMs,
  });
  return {
    services: [caches, bulk, keyUse, readRouter, waiters, hub, uploads, batchUploads, composer, pictures, server],
    server,
    underWay,
    drain: async () => {
      await sleep(drainMs, undefined, { signal: forceStop.signal }).catch(() => undefined);
      await Promise.all([waiters.stop(), hub.stop()]);
    },
    forceStop: () => forceStop.abort(),
  };
}
