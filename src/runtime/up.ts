import { setImmediate as nextTurn } from 'node:timers/promises';
import { Events } from '../telemetry/events.ts';
import { signInUrl } from '../domain/sign-in-url.ts';
import { acquireDatabase } from './acquire-database.ts';
import { buildRenderer } from './renderer.ts';
import type { ProcessOptions, RunningProcess } from './start-process.ts';

export interface RunningUp extends RunningProcess {
  url: string;
  /** the API key of the demo user */
  key: string;
  /** signs in to the console once, as the demo user */
  consoleUrl: string;
}

/** Milliseconds that Ctrl-C waits for unfinished documents, at most. What is unfinished then is rendered at the next start. */
const MAX_SHUTDOWN_GRACE_MS = 3_000;

/** Everything on one machine: database, migrations, API, one worker, and a demo user. */
export async function up({ config: given, log, onProgress }: ProcessOptions): Promise<RunningUp> {
  const config = { ...given, shutdownGraceMs: Math.min(given.shutdownGraceMs, MAX_SHUTDOWN_GRACE_MS) };
  const events = new Events(log);
  const renderer = await buildRenderer({ config, log, events, onProgress }); // without a browser nothing is made
  const database = acquireDatabase(config, onProgress);
  // What fails is reported when the process waits for it.
  for (const early of [database, renderer.start()]) early.catch(() => undefined);
  try {
    await nextTurn();
    // Loaded while both start; they are answered in between.
    const { startProcess } = await import('./start-process.ts');
    await nextTurn();
    const { buildWorker } = await import('./worker.ts');
    await nextTurn();
    const { buildDeliverer } = await import('./deliverer.ts');
    const { demoUser } = await import('./demo-user.ts');
    await nextTurn();
    const { buildApi } = await import('./api.ts');
    const options = { config, log, onProgress, overrides: { events, database, renderer } };
    const role = { name: 'pdfprompt up', isApi: true, isWorker: true, migrate: true };
    const running = await startProcess(options, role, async (base) => ({
      ...(await demoUser(base.db, config.dataDir)),
      worker: await buildWorker(base, options),
      deliverer: buildDeliverer(base),
      api: await buildApi(base),
    }));
    const { url } = running.api.server;
    return { ...running, url, consoleUrl: signInUrl(config.publicUrl ?? url, running.link) };
  } catch (error) {
    await renderer.stop().catch(() => undefined);
    await database.then((handle) => handle.release()).catch(() => undefined);
    throw error;
  }
}
