import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../src/config/load.ts';
import type { PrintOutcome } from '../../src/domain/outcome.ts';
import type { Part } from '../../src/domain/pdf-request.ts';
import { isRoot } from '../../src/kernel/privileges.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import type { Base } from '../../src/runtime/compose.ts';
import { serve } from '../../src/runtime/serve.ts';
import { startProcess } from '../../src/runtime/start-process.ts';
import { work } from '../../src/runtime/work.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { printedWith } from './outcomes.ts';

export interface StagedService {
  /** of the API */
  url: string;
  /** for what is called by itself: `pdfprompt chores` in pg_stat_activity */
  chores: Base;
  stop(): Promise<void>;
}

interface StagedOptions {
  databaseUrl: string;
  dataDir: string;
  log: (line: string) => void;
}

/** The API and a worker in this process, on few connections each, with everything but the browser. */
export async function openStagedService({ databaseUrl, dataDir, log: write }: StagedOptions): Promise<StagedService> {
  const env = {
    DATABASE_URL: databaseUrl,
    DATABASE_MAX_CONNECTIONS: '6', // so that each meets every statement often
    PDFPROMPT_DATA_DIR: dataDir,
    PDFPROMPT_WORKER_CONCURRENCY: '2',
    PORT: '0',
    SHUTDOWN_GRACE: '1',
    OPS_PORT: '0',
  };
  const config = loadConfig({ env, isRoot: isRoot() });
  const log = createLogger({ level: 'error', process: 'staged', human: false, write });
  const options = { config, log, onProgress: () => undefined };
  const api = await serve(options);
  const worker = await work({ ...options, overrides: { renderer: pretendedRenderer() } });
  const nothing = async () => ({});
  const chores = await startProcess(options, { name: 'pdfprompt chores', isApi: false, isWorker: false }, nothing);
  return {
    url: api.url,
    chores: chores.base,
    stop: async () => {
      await Promise.all([worker.stop(), chores.stop()]);
      await api.stop();
    },
  };
}

const RENDER_MS = 50;
const BYTES = new TextEncoder().encode('%PDF-1.4 not really a PDF');

/** One after the other for documents that are not told what to become. */
const OUTCOMES = ['done', 'done', 'done', 'done', 'reject', 'retry', 'interrupted'] as const;

/** What stands for the browser. A document that says `done` is. */
function pretendedRenderer(): Renderer {
  let count = 0;
  const nothing = async () => undefined;
  const renderer: Pick<Renderer, 'start' | 'stop' | 'room' | 'sharesMemoryWith' | 'render'> = {
    start: nothing,
    stop: nothing,
    room: () => Infinity,
    sharesMemoryWith: () => undefined,
    render: async (part) => {
      await sleep(RENDER_MS);
      return outcomeOf(part, OUTCOMES[count++ % OUTCOMES.length] ?? 'done');
    },
  };
  return renderer as Renderer;
}

function outcomeOf({ source }: Part, turn: PrintOutcome['kind']): PrintOutcome {
  const kind = source.value === 'done' ? 'done' : turn;
  switch (kind) {
    case 'done':
      return printedWith(BYTES);
    case 'reject':
      return { kind, code: 'navigation_failed', message: 'it was not there' };
    case 'retry':
      return { kind, code: 'browser_failed', message: 'the browser ended', cause: undefined };
    case 'interrupted':
      return { kind };
  }
}
