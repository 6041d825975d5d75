import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createKey } from '../accounts/keys.ts';
import { findLogin } from '../accounts/principals.ts';
import { createSignInLink } from '../accounts/sign-in-links.ts';
import type { Database } from '../db/pools.ts';
import { Events } from '../telemetry/events.ts';
import { signInUrl } from '../domain/sign-in-url.ts';
import { demoKeyPath, keptDemoKey } from './demo-key.ts';
import { startRenderer } from './renderer.ts';
import type { ProcessOptions, RunningProcess } from './start-process.ts';

export interface RunningUp extends RunningProcess {
  url: string;
  /** the API key of the demo user */
  key: string;
  /** signs in to the console once, as the demo user */
  consoleUrl: string;
}

const DEMO_USER = 'demo@localhost';
/** Not starter: its limit of two requests a minute is too low for trying things out. */
const DEMO_TIER = 'enterprise';
/** What the printed link may do, in the console and in the studio. */
const DEMO_LINK = ['jobs:write', 'jobs:read', 'admin'] as const;
/** Milliseconds that Ctrl-C waits for unfinished documents, at most. What is unfinished then is rendered at the next start. */
const MAX_SHUTDOWN_GRACE_MS = 3_000;

/** Everything on one machine: database, migrations, API, one worker, and a demo user. */
export async function up({ config: given, log, onProgress }: ProcessOptions): Promise<RunningUp> {
  const config = { ...given, shutdownGraceMs: Math.min(given.shutdownGraceMs, MAX_SHUTDOWN_GRACE_MS) };
  const events = new Events(log);
  const renderer = await startRenderer({ config, log, events, onProgress });
  try {
    // Loaded while the browser starts, which is answered in between.
    const { startProcess } = await import('./start-process.ts');
    await nextTurn();
    const { buildWorker } = await import('./worker.ts');
    await nextTurn();
    const { buildDeliverer } = await import('./deliverer.ts');
    const { buildApi } = await import('./api.ts');
    await nextTurn();
    const options = { config, log, onProgress, overrides: { events, renderer } };
    const role = { name: 'pdfprompt up', isApi: true, isWorker: true, migrate: true };
    const running = await startProcess(options, role, async (base) => ({
      key: await demoKey(base.db, config.dataDir),
      link: await createSignInLink(base.db, { email: DEMO_USER, scopes: DEMO_LINK }),
      worker: await buildWorker(base, options),
      deliverer: buildDeliverer(base),
      api: buildApi(base),
    }));
    const { url } = running.api.server;
    return { ...running, url, consoleUrl: signInUrl(config.publicUrl ?? url, running.link) };
  } catch (error) {
    await renderer.stop();
    throw error;
  }
}

/**
 * The database keeps only the hash of a key. The demo user's key is therefore kept in a file that only this
 * user can read: every start prints a command with it that works as pasted.
 */
async function demoKey(db: Database, dataDir: string): Promise<string> {
  const kept = await keptDemoKey(dataDir);
  if (await findLogin(db, kept)) return kept;
  const { key } = await createKey(db, { email: DEMO_USER, tier: DEMO_TIER });
  const path = demoKeyPath(dataDir);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  return key;
}
