import { type ProcessOptions, type RunningProcess, startProcess } from './start-process.ts';
import { buildWorker } from './worker.ts';

/** A worker. */
export async function work(options: ProcessOptions): Promise<RunningProcess> {
  return startProcess(options, { name: 'pdfprompt work', isApi: false, isWorker: true }, async (base) => ({
    worker: await buildWorker(base, options),
  }));
}
