import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKey } from '../accounts/keys.ts';
import { findLogin } from '../accounts/principals.ts';
import type { Config } from '../config/load.ts';
import type { Database } from '../db/pools.ts';
import { ServiceGroup } from '../kernel/lifecycle.ts';
import type { Renderer } from '../render/renderer.ts';
import { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import { buildApi } from './api.ts';
import { composeBase, type RunningProcess } from './compose.ts';
import { openDatabase, type Progress } from './database.ts';
import { buildOps } from './ops.ts';
import { buildRenderer, buildWorker } from './worker.ts';

interface UpOptions {
  config: Config;
  log: Logger;
  onProgress: Progress;
}

export interface RunningUp extends RunningProcess {
  url: string;
  /** the demo user's */
  key: string;
}

const DEMO_USER = 'demo@localhost';
/** Not starter: two documents a minute would end a first try before it began. */
const DEMO_TIER = 'enterprise';
/** Milliseconds: whoever presses Ctrl-C wants it to end; what is not done by then is done at the next start. */
const LONGEST_GRACE_MS = 3_000;

/** Everything on one machine: database, migrations, API, one worker, a user to begin with. */
export async function up({ config: given, log, onProgress }: UpOptions): Promise<RunningUp> {
  const config = { ...given, shutdownGraceMs: Math.min(given.shutdownGraceMs, LONGEST_GRACE_MS) };
  const events = new Events(log);
  const renderer = await buildRenderer({ config, log, events, onProgress });
  renderer.start().catch(() => undefined); // beside the database; the group below waits for it and reports
  try {
    return await upWith({ config, log, events, onProgress, renderer });
  } catch (error) {
    await renderer.stop();
    throw error;
  }
}

interface Begun extends UpOptions {
  events: Events;
  renderer: Renderer;
}

async function upWith({ config, log, events, onProgress, renderer }: Begun): Promise<RunningUp> {
  const onMigrated = (migrations: string[]) => events.migrated({ migrations });
  const handle = await openDatabase({ config, onProgress, migrate: true, onMigrated });
  const base = await composeBase({ config, log, events, name: 'pdfprompt up', isApi: true, isWorker: true, handle });
  try {
    const key = await demoKey(base.db, config.dataDir);
    const api = buildApi(base);
    const worker = buildWorker(base, renderer);
    const services = new ServiceGroup(
      [...buildOps(base), ...base.services, ...worker.services, ...api.services],
      (left) => base.health.awaits(left),
    );
    await services.start();
    return {
      url: api.server.url,
      key,
      forceStop: () => worker.forceStop(),
      failed: (error, jobId) => {
        events.processFailed({ jobId }, error);
        worker.blame(jobId);
      },
      stop: async () => {
        await api.drain();
        await services.stop();
        await base.release();
      },
    };
  } catch (error) {
    await base.release();
    throw error;
  }
}

/**
 * The database keeps only a key's hash, so the demo user's key is kept in a file that only this
 * user can read, beside the embedded database: every start can print a line that works as pasted.
 */
async function demoKey(db: Database, dataDir: string): Promise<string> {
  const path = join(dataDir, 'demo-key');
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (await findLogin(db, kept)) return kept;
  const { key } = await createKey(db, { email: DEMO_USER, tier: DEMO_TIER });
  await mkdir(dataDir, { recursive: true });
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  return key;
}
