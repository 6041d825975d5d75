import type { Config } from '../config/load.ts';
import { ServiceGroup } from '../kernel/lifecycle.ts';
import { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import { buildApi } from './api.ts';
import { composeBase, type RunningProcess } from './compose.ts';
import { openDatabase, type Progress } from './database.ts';
import { buildOps } from './ops.ts';

interface ServeOptions {
  config: Config;
  log: Logger;
  onProgress: Progress;
}

/** Milliseconds: load balancers ask `/readyz` every second or so. */
const LONGEST_DRAIN_MS = 2_000;

/** The API. Nothing that is imported from here loads the browser. */
export async function serve({ config, log, onProgress }: ServeOptions): Promise<RunningProcess & { url: string }> {
  const events = new Events(log);
  const onMigrated = (migrations: string[]) => events.migrated({ migrations });
  const handle = await openDatabase({ config, onProgress, onMigrated });
  const base = await composeBase({
    config,
    log,
    events,
    name: 'pdfprompt serve',
    isApi: true,
    isWorker: false,
    handle,
  });
  const api = buildApi(base, { drainMs: Math.min(LONGEST_DRAIN_MS, config.shutdownGraceMs / 5) });
  const services = new ServiceGroup([...buildOps(base), ...base.services, ...api.services], (left) =>
    base.health.awaits(left),
  );
  try {
    await services.start();
  } catch (error) {
    await base.release();
    throw error;
  }
  return {
    url: api.server.url,
    forceStop: () => api.forceStop(),
    failed: (error, jobId) => events.processFailed({ jobId }, error),
    stop: async () => {
      await api.drain();
      await services.stop();
      await base.release();
    },
  };
}
