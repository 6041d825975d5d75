import { setTimeout as sleep } from 'node:timers/promises';
import { AccountCaches } from '../accounts/account-caches.ts';
import { KeyUse } from '../accounts/key-use.ts';
import { Limiter } from '../accounts/limits.ts';
import { Principals } from '../accounts/principals.ts';
import { KnownAnswers } from '../cache/known-answers.ts';
import { ReadRouter } from '../db/read-router.ts';
import { createApp } from '../http/app.ts';
import type { Job } from '../domain/job.ts';
import { HttpServer } from '../http/server.ts';
import { UnderWay } from '../http/under-way.ts';
import { JobReader } from '../jobs/job-reader.ts';
import { JobWaiters } from '../jobs/waiters.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Base } from './compose.ts';
import { replicaOptions, VERSION } from './database.ts';

export interface Api {
  /** to be started in this order, behind the base's */
  services: Service[];
  server: HttpServer;
  underWay: UnderWay;
  /**
   * From now on `/readyz` fails. Requests are answered for some time more, so that a load balancer can
   * see it before connections are refused; after that nobody is kept waiting.
   */
  drain(): Promise<void>;
  /** Ends a drain at once. */
  forceStop(): void;
}

/** Characters of all jobs together that are answered from memory. */
const ENDED_JOBS_SIZE = 32_000_000;
const MEGABYTE = 1024 * 1024;

/** The HTTP side of a process. */
export function buildApi(
  { config, name, db, reads, adminDb, connections, queue, notifier, stores, events, health, tracing }: Base,
  { drainMs = 0 } = {},
): Api {
  const forced = new AbortController();
  const max = config.cacheMaxEntries;
  const caches = new AccountCaches({
    notifier,
    max,
    ttlMs: { logins: config.cacheTtlSubscriptionsMs || Infinity, tiers: config.cacheTtlTiersMs || Infinity },
    onRequest: (cache, result) => events.cacheAsked(cache, result),
  });
  const keyUse = new KeyUse({
    db: adminDb,
    onError: (error) => events.backgroundFailed('writing down the use of keys', error),
  });
  const principals = new Principals({
    db,
    logins: caches.logins,
    tiers: caches.tiers,
    onUse: (keyId) => keyUse.used(keyId),
  });
  const limiter = new Limiter({ db, refusals: caches.refusals, ttlMs: config.cacheTtlLimitsMs || Infinity });
  const endedJobs = new KnownAnswers<Job>({
    max,
    maxSize: ENDED_JOBS_SIZE,
    onRequest: (result) => events.cacheAsked('jobs', result),
  });
  const waiters = new JobWaiters(notifier);
  const readRouter = new ReadRouter({
    primary: reads,
    replica: replicaOptions(config, name, events.metrics.statements('replica')),
    events,
  });
  const underWay = new UnderWay({
    connections,
    maxConnections: config.httpMaxConnections,
    maxBufferedBytes: config.httpMaxBufferedMb * MEGABYTE,
  });
  const app = createApp({
    db,
    reads,
    readRouter,
    adminDb,
    principals,
    limiter,
    jobs: new JobReader(reads, endedJobs),
    queue,
    waiters,
    stores,
    events,
    version: VERSION,
    health,
    tracing,
    underWay,
  });
  const server = new HttpServer({
    app,
    host: config.host,
    port: config.port,
    maxConnections: config.httpMaxConnections,
    graceMs: config.shutdownGraceMs,
  });
  return {
    services: [caches, keyUse, readRouter, waiters, server],
    server,
    underWay,
    drain: async () => {
      health.drain();
      await sleep(drainMs, undefined, { signal: forced.signal }).catch(() => undefined);
      await waiters.stop();
    },
    forceStop: () => forced.abort(),
  };
}
