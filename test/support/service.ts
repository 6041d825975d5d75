import { afterAll, inject } from 'vitest';
import { type Config, loadConfig } from '../../src/config/load.ts';
import type { UnderWay } from '../../src/http/under-way.ts';
import type { Renderer, RendererOptions } from '../../src/render/renderer.ts';
import { type Service, ServiceGroup } from '../../src/kernel/lifecycle.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import { buildApi } from '../../src/runtime/api.ts';
import { type Base, composeBase } from '../../src/runtime/compose.ts';
import { openDatabase } from '../../src/runtime/database.ts';
import { buildRenderer, buildWorker } from '../../src/runtime/worker.ts';
import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { createUnlimitedKey } from './accounts.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { keepLog } from './logs.ts';

export interface TestService extends TestDatabase {
  address: string;
  base: Base;
  /** of a user of its own, without limits */
  key: string;
  newKey: (email: string) => Promise<string>;
  request: (path: string, init?: RequestInit & { key?: string | null }) => Promise<Response>;
  /** of the worker, if there is one */
  renderer: Renderer | undefined;
  /** started in this order */
  services: Service[];
  /** what everybody has under way at the API */
  underWay: UnderWay;
  /** every log line of the service */
  lines: string[];
}

/** The settings of a test, from the same table as everybody's. */
export function testConfig(env: Record<string, string>): Config {
  return loadConfig({ env: { PDFPROMPT_DATA_DIR: inject('dataDir'), PORT: '0', ...env }, isRoot: isRoot() });
}

/** The real service in this process: real Postgres, real HTTP, and with `worker` a real browser. */
export async function startService({
  database: given,
  worker = false,
  env = {},
  readMemory,
}: {
  /** migrated; one of its own unless named */
  database?: TestDatabase;
  worker?: boolean;
  env?: Record<string, string>;
  readMemory?: RendererOptions['readMemory'];
} = {}): Promise<TestService> {
  const database = given ?? (await createDatabase());
  const config = testConfig({ DATABASE_URL: database.url, SHUTDOWN_GRACE: '1', ...env });
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', process: 'test', human: false, write: (line) => lines.push(line) });
  const events = new Events(log);
  const handle = await openDatabase({ config, onProgress: () => undefined });
  const base = await composeBase({
    config,
    log,
    events,
    name: 'pdfprompt test',
    isApi: true,
    isWorker: worker,
    handle,
  });
  const api = buildApi(base);
  const renderer = worker
    ? await buildRenderer({ config, log, events, onProgress: () => undefined, overrides: { readMemory } })
    : undefined;
  const services = [...base.services, ...(renderer ? buildWorker(base, renderer).services : []), ...api.services];
  const group = new ServiceGroup(services, (left) => base.health.awaits(left));
  await group.start();
  afterAll(async () => {
    await api.drain();
    await group.stop();
    await base.release();
    keepLog(inject('dataDir'), lines.join(''));
  });
  const newKey = async (email: string) => (await createUnlimitedKey(base.db, email)).key;
  const key = await newKey('ann@example.com');
  const address = api.server.url;
  return {
    ...database,
    base,
    services,
    lines,
    renderer,
    underWay: api.underWay,
    address,
    key,
    newKey,
    request: (path, { key: which = key, headers, ...init } = {}) =>
      fetch(`${address}${path}`, {
        ...init,
        headers: {
          ...(which === null ? {} : { Authorization: `Bearer ${which}` }),
          ...(init.body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(headers as Record<string, string>),
        },
      }),
  };
}
