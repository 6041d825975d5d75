import type { ProcessRole } from '../config/connections.ts';
import type { Config } from '../config/load.ts';
import { type Service, ServiceGroup } from '../kernel/lifecycle.ts';
import { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Api } from './api.ts';
import { type Base, composeBase, type Overrides } from './compose.ts';
import type { Progress } from './acquire-database.ts';
import { openDatabase } from './database.ts';
import { buildOps } from './ops.ts';
import type { Deliverer } from '../worker/deliverer.ts';
import type { Worker } from './worker.ts';

export interface ProcessOptions {
  config: Config;
  log: Logger;
  onProgress: Progress;
  overrides?: Overrides;
}

/** A process that runs until `stop` is called. */
export interface RunningProcess {
  stop(): Promise<void>;
  /** Ends the grace period of the stop that is under way, or of the next one. */
  forceStop(): void;
  /**
   * Called with an error that nothing caught: this process is about to stop.
   * @param jobId the job that the code ran for, if that is known
   */
  failed(error: unknown, jobId: string | undefined): void;
}

interface Parts {
  api?: Api | undefined;
  worker?: Worker | undefined;
  deliverer?: Deliverer | undefined;
}

interface Role extends Pick<ProcessRole, 'isApi' | 'isWorker'> {
  /** `pdfprompt serve`, …, as pg_stat_activity shows it */
  name: string;
  /** whether it sends webhooks and uploads; default: as a worker */
  isDeliverer?: boolean;
  /** migrates any database, not only the embedded one */
  migrate?: boolean;
}

/**
 * Opens the database, composes the parts and starts them. Whatever fails, what was opened before is closed again.
 * @throws OperatorError if the database cannot be used, and what a part throws at its start
 */
export async function startProcess<P extends Parts>(
  { config, log, onProgress, overrides: { events = new Events(log), database: acquiring } = {} }: ProcessOptions,
  { migrate = false, ...role }: Role,
  build: (base: Base) => P | Promise<P>,
): Promise<RunningProcess & P & { base: Base; services: readonly Service[] }> {
  const onMigrated = (migrations: string[]) => events.migrated({ migrations });
  const handle = await openDatabase({ config, onProgress, migrate, acquiring, onMigrated });
  const base = await composeBase({ config, log, events, handle, ...role });
  try {
    const parts = await build(base);
    const { api, worker, deliverer } = parts;
    const services = [
      ...buildOps(base),
      ...base.services,
      ...(deliverer ? [deliverer] : []),
      ...(worker?.services ?? []),
      ...(api?.services ?? []),
    ];
    const group = new ServiceGroup(services, (left) => base.health.awaits(left));
    await group.start();
    return {
      ...parts,
      base,
      services,
      forceStop: () => {
        worker?.forceStop();
        deliverer?.forceStop();
        api?.forceStop();
      },
      failed: (error, jobId) => {
        events.processFailed({ jobId }, error);
        worker?.blame(jobId);
        deliverer?.blame();
      },
      stop: async () => {
        base.health.drain();
        await api?.drain();
        await group.stop();
        await base.release();
      },
    };
  } catch (error) {
    await base.release();
    throw error;
  }
}
