/** @module-tag user */

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql as query } from 'drizzle-orm';
import { Hono } from 'hono';
import { afterAll, describe, expect, it } from 'vitest';
import type { AccountCaches } from '../../src/accounts/account-caches.ts';
import { EmbeddedPostgres } from '../../src/db/embedded.ts';
import { Session } from '../../src/db/session.ts';
import { ProcessPool } from '../../src/finishing/process-pool.ts';
import { HttpServer } from '../../src/http/server.ts';
import { type Service, ServiceGroup } from '../../src/kernel/lifecycle.ts';
import { readMemory } from '../../src/memory/reading.ts';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { MemoryGovernor } from '../../src/render/governor.ts';
import { PagePool } from '../../src/render/pool.ts';
import { buildApi } from '../../src/runtime/api.ts';
import { composeBase } from '../../src/runtime/compose.ts';
import { openDatabase } from '../../src/runtime/database.ts';
import { buildDeliverer } from '../../src/runtime/deliverer.ts';
import { rendererOptions } from '../../src/runtime/renderer.ts';
import { buildWorker } from '../../src/runtime/worker.ts';
import { StoreFailure } from '../../src/storage/store.ts';
import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { Composer } from '../../src/templating/composer.ts';
import type { Registration } from '../../src/worker/registration.ts';
import type { StoreWatch } from '../../src/worker/store-watch.ts';
import { createDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { watchLeftOvers } from '../support/left-over.ts';
import { eventually } from '../support/processes.ts';
import { testConfig } from '../support/service.ts';
import { STEPS } from '../support/steps.ts';

const { url, sql } = await createDatabase();
const config = testConfig({
  DATABASE_URL: url,
  DATABASE_READ_REPLICA_URL: url,
  DATABASE_MAX_CONNECTIONS: '6',
  DATABASE_IDLE_TIMEOUT: '3600',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  SHUTDOWN_GRACE: '1',
});
const log = createLogger({ level: 'silent', process: 'test', human: false, write: () => undefined });
const events = new Events(log);
const onProgress = () => undefined;
const handle = await openDatabase({ config, onProgress });
const base = await composeBase({ config, log, events, name: 'pdfprompt test', isApi: true, isWorker: true, handle });
afterAll(() => base.release());
const parts = [
  ...base.services,
  buildDeliverer(base),
  ...(await buildWorker(base, { onProgress })).services,
  ...(await buildApi(base)).services,
];
/** Every connection that the pools may have, so that none of them is counted as left behind. */
await Promise.all(
  [base.db, base.reads, base.adminDb].flatMap((db) =>
    Array.from({ length: 6 }, async () => db.execute(query`select pg_sleep(0.2)`)),
  ),
);

const binary = await findChromium({ ...config, chromePath: undefined });
const pool = () => new PagePool(rendererOptions(config, binary, events));
const session = (address = url) =>
  new Session({
    url: address,
    applicationName: 'a session',
    connectTimeoutMs: 2_000,
    beatMs: 20,
    open: async (client) => void (await client`select 1`),
    beat: async (client) => void (await client`select 1`),
  });
/** As a process has it, not started. */
const composed = (name: string) => () => {
  const found = parts.find((part) => part.constructor.name === name);
  if (!found) throw new Error(`no process has a ${name}`);
  return found;
};

interface Listed {
  make: () => Service | Promise<Service>;
  /** how often it is started and stopped at random; fewer if it takes long */
  calls?: number;
}

/** Every service there is. */
const SERVICES: Record<string, Listed> = {
  AccountCaches: { make: composed('AccountCaches') },
  BrowserPool: { make: () => pool().browsers, calls: 8 },
  BulkRunner: { make: composed('BulkRunner') },
  Composer: { make: () => new Composer({ timeoutMs: 5_000, memoryBytes: 1e9, isWarm: true }), calls: 8 },
  DatabaseWatch: { make: composed('DatabaseWatch') },
  Deliverer: { make: composed('Deliverer') },
  DiskWatch: { make: composed('DiskWatch') },
  Dispatcher: { make: composed('Dispatcher') },
  EmbeddedPostgres: {
    make: async () => new EmbeddedPostgres({ dataDir: await temporaryDirectory('lifecycle') }),
    calls: 4,
  },
  EventHub: { make: composed('EventHub') },
  Finisher: { make: composed('Finisher') },
  HttpServer: { make: composed('HttpServer') },
  JobQueue: { make: composed('JobQueue') },
  JobWaiters: { make: composed('JobWaiters') },
  KeyUse: { make: composed('KeyUse') },
  Maintenance: { make: composed('Maintenance') },
  MemoryGovernor: {
    make: () =>
      new MemoryGovernor({ read: readMemory, running: () => 1, pool: pool(), documentLimitBytes: 1e9, events }),
  },
  Merger: { make: composed('Merger') },
  Notifier: { make: composed('Notifier') },
  PagePool: { make: pool, calls: 8 },
  PauseKeeper: { make: composed('PauseKeeper') },
  ProcessPool: {
    make: () =>
      new ProcessPool({
        module: STEPS.module,
        memoryBytes: 1e9,
        isolation: 'tenant',
        size: 2,
        idleMs: 60_000,
        waitMs: 1,
      }),
  },
  QueueWatch: { make: composed('QueueWatch') },
  ReadRouter: { make: composed('ReadRouter') },
  Reaper: { make: composed('Reaper') },
  Registration: { make: composed('Registration') },
  Renderer: { make: composed('Renderer'), calls: 8 },
  RoomWatch: { make: composed('RoomWatch') },
  ScheduleTicker: { make: composed('ScheduleTicker') },
  ServiceGroup: { make: () => new ServiceGroup([session(), composed('JobWaiters')(), composed('Notifier')()]) },
  Session: { make: () => session() },
  StoreWatch: { make: composed('StoreWatch') },
  Tracing: { make: composed('Tracing') },
  UploadSpace: { make: composed('UploadSpace') },
};

/** Names of the classes below src/ that have a lifetime. */
function servicesInSources(): string[] {
  const root = fileURLToPath(new URL('../../src/', import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const found = new Set(['Lifecycle']);
  const texts = files.map((file) => readFileSync(`${root}${file}`, 'utf8'));
  for (let before = 0; before < found.size;) {
    before = found.size;
    const heir = new RegExp(`^(?:export )?(?:abstract )?class (\\w+)(?:<[^{]*>)? (?:extends (?:${[...found].join('|')})\\b|[^{]*implements [^{]*\\bService\\b)`, 'gm'); // prettier-ignore
    for (const text of texts) for (const [, name = ''] of text.matchAll(heir)) found.add(name);
  }
  return [...found].filter((name) => name !== 'Lifecycle').toSorted();
}

/** The protocol's steps, as they happen in the service. */
function record(service: Service): string[] {
  const steps: string[] = [];
  const inner = service as unknown as Record<'onStart' | 'onStop', () => Promise<void>>;
  for (const step of ['onStart', 'onStop'] as const) {
    const original = inner[step].bind(service);
    inner[step] = async () => {
      steps.push(step);
      await original();
      steps.push(`${step} ended`);
    };
  }
  return steps;
}

const ONE_LIFE = ['onStart', 'onStart ended', 'onStop', 'onStop ended'];

describe('the list of services', () => {
  it('names every class that has a lifetime', () => {
    expect(Object.keys(SERVICES).toSorted()).toEqual(servicesInSources());
  });
});

describe.each(Object.entries(SERVICES))('%s', (_, { make, calls = 40 }) => {
  it('keeps the protocol, and leaves nothing behind', { timeout: 30_000 }, async () => {
    const service = await make();
    const expectNothingLeft = await watchLeftOvers(sql);
    const steps = record(service);

    await service.stop(); // before any start
    expect(steps).toEqual([]);

    await Promise.all([service.start(), service.start()]);
    await service.start();
    await Promise.all([service.stop(), service.stop()]);
    await service.stop();
    expect(steps.splice(0)).toEqual(ONE_LIFE);

    const started = service.start();
    const stopped = service.stop(); // during the start
    const again = service.start(); // during the stop
    await Promise.all([started, stopped, again]);
    await service.stop();
    expect(steps.splice(0)).toEqual([...ONE_LIFE, ...ONE_LIFE]);

    const called = Array.from({ length: calls }, async () => {
      await sleep(Math.random() * 200);
      await (Math.random() < 0.5 ? service.start() : service.stop());
    });
    await Promise.all(called);
    await service.stop();
    expect(steps).toEqual(steps.map((__, index) => ONE_LIFE[index % ONE_LIFE.length]));
    expect(steps.length % ONE_LIFE.length).toBe(0);
    await expectNothingLeft();
  });
});

describe('a second life', () => {
  it('of StoreWatch finds out that the store is back', async () => {
    const watch = composed('StoreWatch')() as StoreWatch;
    await watch.start();
    watch.failed(new StoreFailure('ENOSPC', 'the disk is full'), 1);
    await watch.stop();
    expect(watch.condition.isOk).toBe(false);
    await watch.start();
    await eventually(() => watch.condition.isOk, 10_000, 'the store is back');
    await watch.stop();
  });

  it('of Registration begins when it is registered again', async () => {
    const registration = composed('Registration')() as Registration;
    await registration.start();
    const first = registration.workerId;
    expect(registration.condition.isOk).toBe(true);
    await registration.stop();
    expect(registration.condition.isOk).toBe(false);
    await registration.start();
    expect(registration.condition.isOk).toBe(true);
    expect(registration.workerId).not.toBe(first);
    await registration.stop();
  });

  it('of AccountCaches knows nothing of the first', async () => {
    const caches = composed('AccountCaches')() as AccountCaches;
    await caches.start();
    await caches.tiers.get('starter', async () => undefined);
    await caches.stop();
    await caches.start();
    const asked: string[] = [];
    await caches.tiers.get('starter', async () => void asked.push('again'));
    expect(asked).toEqual(['again']);
    await caches.stop();
  });
});

describe('a start that fails', () => {
  const taken = createServer().listen(0, '127.0.0.1');
  const port = once(taken, 'listening').then(() => (taken.address() as { port: number }).port);
  afterAll(() => taken.close());
  const away = url.replace(/:\d+\//, ':1/');

  it.each<[string, RegExp, () => Promise<Service>]>([
    ['HttpServer', /is taken by .*\(pid \d+\)/, async () => new HttpServer({ app: new Hono(), host: '127.0.0.1', port: await port, maxConnections: 1, graceMs: 1 })], // prettier-ignore
    ['Session', /ECONNREFUSED/, async () => session(away)],
    ['ServiceGroup', /ECONNREFUSED/, async () => new ServiceGroup([session(), session(away)])],
    [
      'PagePool',
      /did not start|ENOENT/,
      async () => new PagePool(rendererOptions(config, { ...binary, path: '/nowhere' }, events)),
    ],
    ['EmbeddedPostgres', /cannot create/, async () => new EmbeddedPostgres({ dataDir: '/dev/null/nowhere' })],
  ])('leaves nothing behind, and may be tried again: %s', async (_, reason, make) => {
    const service = await make();
    const expectNothingLeft = await watchLeftOvers(sql);
    for (let tries = 0; tries < 3; tries++) {
      await expect(service.start()).rejects.toThrow(reason);
      if (tries === 1) await service.stop();
    }
    const failing = service.start();
    await service.stop();
    await expect(failing).rejects.toThrow(reason);
    await expectNothingLeft();
  });
});
