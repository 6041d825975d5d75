import { buildDeliverer } from './deliverer.ts';
import { type ProcessOptions, type RunningProcess, startProcess } from './start-process.ts';
import { buildWorker } from './worker.ts';

/** A worker: it renders jobs, and sends webhooks and uploads, or does only one of the two. */
export async function work(options: ProcessOptions): Promise<RunningProcess> {
  const { workOnly } = options.config;
  const isWorker = workOnly !== 'deliveries';
  const isDeliverer = workOnly !== 'jobs';
  return startProcess(options, { name: 'pdfprompt work', isApi: false, isWorker, isDeliverer }, async (base) => ({
    worker: isWorker ? await buildWorker(base, options) : undefined,
    deliverer: isDeliverer ? buildDeliverer(base) : undefined,
  }));
}
