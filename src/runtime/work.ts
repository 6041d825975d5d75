import type { Config } from '../config/load.ts';
import { ServiceGroup } from '../kernel/lifecycle.ts';
import { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import { composeBase, type RunningProcess } from './compose.ts';
import { openDatabase, type Progress } from './database.ts';
import { buildOps } from './ops.ts';
import { buildRenderer, buildWorker } from './worker.ts';

interface WorkOptions {
  config: Config;
  log: Logger;
  onProgress: Progress;
}

/** A worker. */
export async function work({ config, log, onProgress }: WorkOptions): Promise<RunningProcess> {
  const events = new Events(log);
  const onMigrated = (migrations: string[]) => events.migrated({ migrations });
  const handle = await openDatabase({ config, onProgress, onMigrated });
  const base = await composeBase({ config, log, events, name: 'pdfprompt work', isApi: false, isWorker: true, handle });
  try {
    const renderer = await buildRenderer({ config, log, events, onProgress });
    const worker = buildWorker(base, renderer);
    const services = new ServiceGroup([...buildOps(base), ...base.services, ...worker.services], (left) =>
      base.health.awaits(left),
    );
    await services.start();
    return {
      forceStop: () => worker.forceStop(),
      failed: (error, jobId) => {
        events.processFailed({ jobId }, error);
        worker.blame(jobId);
      },
      stop: async () => {
        base.health.drain();
        await services.stop();
        await base.release();
      },
    };
  } catch (error) {
    await base.release();
    throw error;
  }
}
