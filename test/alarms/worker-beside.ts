import { loadConfig } from '../../src/config/load.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import { work } from '../../src/runtime/work.ts';
import { createLogger } from '../../src/telemetry/log.ts';

export interface WorkerBeside {
  /** the memory use that it reads, from 0 to 1 */
  ratio: number;
  stop(): Promise<void>;
}

/** One more worker, in this process: it reads its memory use from `ratio`. */
export async function startWorkerBeside(env: Record<string, string>): Promise<WorkerBeside> {
  const config = loadConfig({ env, isRoot: isRoot() });
  const log = createLogger({ level: 'silent', process: 'beside', human: false, write: () => undefined });
  const memory = { ratio: 0.4 };
  const readMemory = () => ({ used: memory.ratio * 1e9, limit: 1e9, source: 'machine' as const });
  const worker = await work({ config, log, onProgress: () => undefined, overrides: { readMemory } });
  return Object.assign(memory, { stop: () => worker.stop() });
}
