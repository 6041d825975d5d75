import { setImmediate as nextTurn } from 'node:timers/promises';
import { Events } from '../telemetry/events.ts';
import { startRenderer } from './renderer.ts';
import type { ProcessOptions, RunningProcess } from './start-process.ts';

/** A worker: it renders jobs, and sends webhooks and uploads, or does only one of the two. */
export async function work({ config, log, onProgress }: ProcessOptions): Promise<RunningProcess> {
  const isWorker = config.workOnly !== 'deliveries';
  const isDeliverer = config.workOnly !== 'jobs';
  const events = new Events(log);
  const starting = isWorker ? startRenderer({ config, log, events, onProgress }) : undefined;
  try {
    await starting?.catch(() => undefined); // what is wrong with the database is reported first
    // Loaded while the browser starts, which is answered in between.
    const { startProcess } = await import('./start-process.ts');
    await nextTurn();
    const { buildWorker } = await import('./worker.ts');
    await nextTurn();
    const { buildDeliverer } = await import('./deliverer.ts');
    const options = { config, log, onProgress, overrides: { events } };
    const role = { name: 'pdfprompt work', isApi: false, isWorker, isDeliverer };
    return await startProcess(options, role, async (base) => {
      const renderer = await starting;
      return {
        worker: renderer && (await buildWorker(base, { onProgress, overrides: { renderer } })),
        deliverer: isDeliverer ? buildDeliverer(base) : undefined,
      };
    });
  } catch (error) {
    await starting?.then((renderer) => renderer.stop()).catch(() => undefined);
    throw error;
  }
}
