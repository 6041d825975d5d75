import type { Config } from '../config/load.ts';
import { runningEmbedded } from '../db/embedded.ts';
import { inspectServer } from '../db/inspect.ts';
import { type MadeBackup, readLastBackup } from '../jobs/last-backup.ts';
import { type QueueOverview, readQueueOverview } from '../jobs/queue-overview.ts';
import { messageOf } from '../kernel/errors.ts';
import { chromiumVersion, findChromium } from '../render/chromium-binary.ts';
import { VERSION } from './version.ts';
import { databaseError, migrateDatabase, openConfiguredPool } from './database.ts';

/** Milliseconds for an answer of the service. */
const ANSWER_MS = 2_000;
const KINDS = ['up', 'serve', 'work'] as const;

/** What runs, where, and what it has to do. */
export interface Status {
  /** of this program */
  version: string;
  service: { url: string; isReady: boolean; problem: string | null };
  /** null: the embedded Postgres does not run */
  database: {
    /** `host:port/name` */
    address: string;
    isEmbedded: boolean;
    postgres: string;
    /** the newest migration that it has; null: none */
    schema: string | null;
    /** migrations of this version that it has not */
    lacks: string[];
  } | null;
  /** on this machine; null: there is none */
  chromium: string | null;
  /** processes of pdfprompt that are connected to the database */
  processes: Record<(typeof KINDS)[number], number>;
  /** null: the database lacks migrations */
  queue: QueueOverview | null;
  /** null: none was made; undefined: the database lacks migrations */
  lastBackup: MadeBackup | null | undefined;
}

/** @throws OperatorError if the database cannot be reached */
export async function readStatus(config: Config): Promise<Status> {
  const [service, chromium, database] = await Promise.all([
    askService(config.serviceUrl ?? `http://127.0.0.1:${config.port}`),
    askChromium(config),
    askDatabase(config),
  ]);
  return { version: VERSION, service, chromium, ...database };
}

async function askService(url: string): Promise<Status['service']> {
  try {
    const answer = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    return { url, isReady: answer.ok, problem: answer.ok ? null : `it answers ${answer.status}` };
  } catch (error) {
    return { url, isReady: false, problem: messageOf(error instanceof Error ? (error.cause ?? error) : error) };
  }
}

async function askChromium(config: Config): Promise<string | null> {
  const binary = await findChromium(config).catch(() => undefined);
  return binary ? ((await chromiumVersion(binary)) ?? binary.path) : null;
}

type OfDatabase = Pick<Status, 'database' | 'processes' | 'queue' | 'lastBackup'>;

const NO_PROCESSES = { up: 0, serve: 0, work: 0 };

/** An embedded Postgres that does not run is not started for this. */
async function askDatabase(config: Config): Promise<OfDatabase> {
  const isEmbedded = config.databaseUrl === undefined;
  const url = config.databaseUrl ?? (await runningEmbedded(config.dataDir));
  if (url === undefined) return { database: null, processes: NO_PROCESSES, queue: null, lastBackup: undefined };
  const directUrl = config.databaseDirectUrl ?? url;
  const { version, connections } = await inspectServer(directUrl, config.databaseConnectTimeoutMs).catch(
    (error: unknown) => Promise.reject(databaseError(error, directUrl)),
  );
  const { pending, newest } = await migrateDatabase({ url: directUrl, config, check: true });
  const { host, pathname } = new URL(url);
  // Every process has one connection that listens.
  const running = KINDS.map((kind) => [kind, connections.get(`pdfprompt ${kind} notifier`) ?? 0] as const);
  const database = {
    address: `${host}${pathname}`,
    isEmbedded,
    postgres: version,
    schema: newest ?? null,
    lacks: pending,
  };
  const processes = { ...NO_PROCESSES, ...Object.fromEntries(running) };
  if (pending.length > 0) return { database, processes, queue: null, lastBackup: undefined };
  const pool = openConfiguredPool(config, { url, applicationName: 'pdfprompt command', max: 2 });
  try {
    const [queue, lastBackup] = await Promise.all([readQueueOverview(pool.db), readLastBackup(pool.db)]);
    return { database, processes, queue, lastBackup: lastBackup ?? null };
  } finally {
    await pool.close();
  }
}
