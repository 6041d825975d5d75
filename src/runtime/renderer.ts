import { totalmem } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Config } from '../config/load.ts';
import { Dialer } from '../egress/dialer.ts';
import { EgressPolicy } from '../egress/policy.ts';
import { EgressProxy } from '../egress/proxy.ts';
import { forNoJob } from '../kernel/current-job.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { readMemory } from '../memory/reading.ts';
import { type ChromiumBinary, findChromium } from '../render/chromium-binary.ts';
import { withFonts } from '../render/fonts/font-library.ts';
import { Launcher } from '../render/launcher.ts';
import { Renderer, type RendererOptions } from '../render/renderer.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Progress } from './acquire-database.ts';

interface BuildRendererOptions extends Pick<RendererOptions, 'readMemory'> {
  config: Config;
  log: Logger;
  events: Events;
  onProgress: Progress;
}

/** @throws OperatorError if there is no Chromium */
export async function buildRenderer(options: BuildRendererOptions): Promise<Renderer> {
  const { config, log, events, onProgress, readMemory: read } = options;
  const { binary } = await withFonts(await findChromium({ ...config, onProgress }), config);
  if (binary.kind === 'full') log.warn('chromium.slow', { path: binary.path });
  else log.debug('chromium.found', { path: binary.path, source: binary.source });
  const renderer = new Renderer({ ...rendererOptions(config, binary, events), readMemory: read });
  events.metrics.watchRenderer(() => renderer.state);
  return renderer;
}

/** Warm pages may take two fifths of the memory at most; one takes about 20 MB. */
function affordableWarmPages(): number {
  const limit = readMemory()?.limit ?? totalmem();
  return Math.floor((limit * 0.4) / (20 * MEGABYTE));
}

/**
 * Begins the start of a renderer, for a process that is started itself meanwhile: it starts the renderer again, which
 * waits for this start, and tries once more if it has failed. @throws OperatorError if there is no Chromium
 */
export async function startRenderer(options: BuildRendererOptions): Promise<Renderer> {
  const renderer = await buildRenderer(options);
  renderer.start().catch(() => undefined);
  await nextTurn(); // Chromium's process is there then, and needs none of what is loaded next
  return renderer;
}

export function buildLauncher(config: Config, binary: ChromiumBinary, events: Events): Launcher {
  const proxy = new EgressProxy(new Dialer({ policy: new EgressPolicy(config.egress) }));
  return new Launcher({
    binary,
    jail: config.renderJail,
    egress: { proxy, events },
    unsafeNoSandbox: config.unsafeNoSandbox,
    webgl: config.webgl,
    events,
  });
}

export function rendererOptions(
  config: Config,
  binary: ChromiumBinary,
  events: Events,
  launcher = buildLauncher(config, binary, events),
): RendererOptions {
  return {
    launch: () => forNoJob(() => launcher.launch()),
    events,
    fontNames: binary.fontNames,
    isolation: config.renderIsolation,
    size: config.browserPoolSize,
    pagesPerBrowser: config.browserMaxPages,
    warmPages: Math.min(config.browserWarmPages, affordableWarmPages()),
    sparePages: config.browserSparePages,
    maxAgeMs: config.browserMaxAgeMs,
    maxDocuments: config.browserMaxDocuments,
    memoryLimitBytes: config.browserMemoryLimitMb * MEGABYTE,
    webgl: config.webgl,
    caps: {
      maxBytes: config.pdfMaxBytes,
      maxPages: config.pdfMaxPages,
      maxResources: config.documentMaxResources,
      egressBytes: config.documentMaxEgressMb * MEGABYTE,
      memoryBytes: config.documentMemoryLimitMb * MEGABYTE,
    },
  };
}
