import { afterAll, inject } from 'vitest';
import { type Config, loadConfig } from '../../src/config/load.ts';
import type { UnderWay } from '../../src/http/under-way.ts';
import type { StepList } from '../../src/finishing/step.ts';
import type { Renderer, RendererOptions } from '../../src/render/renderer.ts';
import type { Service } from '../../src/kernel/lifecycle.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import { buildApi } from '../../src/runtime/api.ts';
import { buildDeliverer, type DeliveryWaits } from '../../src/runtime/deliverer.ts';
import type { Base } from '../../src/runtime/compose.ts';
import { startProcess } from '../../src/runtime/start-process.ts';
import { buildWorker } from '../../src/runtime/worker.ts';
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
  services: readonly Service[];
  /** what everybody has under way at the API */
  underWay: UnderWay;
  /** every log line of the service */
  lines: string[];
}

/** The settings of a test, from the same table as everybody's. */
export function testConfig(env: Record<string, string>): Config {
  // Spare pages would take a core from other tests.
  const base = { PDFPROMPT_DATA_DIR: inject('dataDir'), PORT: '0', BROWSER_SPARE_PAGES: '0' };
  return loadConfig({ env: { ...base, ...env }, isRoot: isRoot() });
}

/** The real service in this process: real Postgres, real HTTP, and with `worker` a real browser. */
export async function startService({
  database: given,
  worker = false,
  deliverer = false,
  env = {},
  readMemory,
  steps,
}: {
  /** migrated; one of its own unless named */
  database?: TestDatabase;
  worker?: boolean;
  /** whether webhooks and uploads are sent */
  deliverer?: boolean | DeliveryWaits;
  env?: Record<string, string>;
  readMemory?: RendererOptions['readMemory'];
  steps?: StepList;
} = {}): Promise<TestService> {
  const database = given ?? (await createDatabase());
  const config = testConfig({ DATABASE_URL: database.url, SHUTDOWN_GRACE: '1', ...env });
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', process: 'test', human: false, write: (line) => lines.push(line) });
  const role = { name: 'pdfprompt test', isApi: true, isWorker: worker, isDeliverer: deliverer !== false };
  const options = { config, log, onProgress: () => undefined, overrides: { readMemory, ...(steps && { steps }) } };
  const running = await startProcess(options, role, async (base) => ({
    worker: worker ? await buildWorker(base, options) : undefined,
    deliverer: deliverer === false ? undefined : buildDeliverer(base, deliverer === true ? {} : deliverer),
    api: await buildApi(base),
  }));
  afterAll(async () => {
    await running.stop();
    keepLog(inject('dataDir'), lines.join(''));
  });
  const { base, services } = running;
  const newKey = async (email: string) => (await createUnlimitedKey(base.db, email)).key;
  const key = await newKey('ann@example.com');
  const address = running.api.server.url;
  return {
    ...database,
    base,
    services,
    lines,
    renderer: running.worker?.renderer,
    underWay: running.api.underWay,
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
