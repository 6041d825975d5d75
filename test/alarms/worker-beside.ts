import { loadConfig } from '../../src/config/load.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import { ServiceGroup } from '../../src/kernel/lifecycle.ts';
import { composeBase } from '../../src/runtime/compose.ts';
import { buildOps } from '../../src/runtime/ops.ts';
import { buildRenderer, buildWorker } from '../../src/runtime/worker.ts';
import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';

export interface WorkerBeside {
  /** of its memory, from 0 to 1, as it believes */
  ratio: number;
  stop(): Promise<void>;
}

/** One more worker, in this process: it believes what it is told of its memory. */
export async function startWorkerBeside(env: Record<string, string>): Promise<WorkerBeside> {
  const config = loadConfig({ env, isRoot: isRoot() });
  const log = createLogger({ level: 'silent', process: 'beside', human: false, write: () => undefined });
  const events = new Events(log);
  const url = config.databaseUrl ?? '';
  const handle = { url, directUrl: url, isEmbedded: false, release: async () => undefined };
  const base = await composeBase({ config, log, events, name: 'pdfprompt work', isApi: false, isWorker: true, handle });
  const memory = { ratio: 0.4 };
  const readMemory = () => ({ used: memory.ratio * 1e9, limit: 1e9, source: 'machine' as const });
  const renderer = await buildRenderer({ config, log, events, onProgress: () => undefined, overrides: { readMemory } });
  const services = new ServiceGroup(
    [...buildOps(base), ...base.services, ...buildWorker(base, renderer).services],
    (left) => base.health.awaits(left),
  );
  await services.start();
  return Object.assign(memory, {
    stop: async () => {
      await services.stop();
      await base.release();
    },
  });
}
