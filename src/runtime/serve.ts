import { buildApi } from './api.ts';
import { type ProcessOptions, type RunningProcess, startProcess } from './start-process.ts';

/** Milliseconds: load balancers ask `/readyz` every second or so. */
const LONGEST_DRAIN_MS = 2_000;

/** The API. Nothing that is imported from here loads the browser. */
export async function serve(options: ProcessOptions): Promise<RunningProcess & { url: string }> {
  const drainMs = Math.min(LONGEST_DRAIN_MS, options.config.shutdownGraceMs / 5);
  const running = await startProcess(
    options,
    { name: 'pdfprompt serve', isApi: true, isWorker: false },
    async (base) => ({
      api: await buildApi(base, { drainMs }),
    }),
  );
  return { ...running, url: running.api.server.url };
}
