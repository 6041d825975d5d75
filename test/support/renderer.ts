import { inject } from 'vitest';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import type { PrintOutcome, PrintedPart } from '../../src/domain/outcome.ts';
import { type ChromiumBinary, findChromium } from '../../src/render/chromium-binary.ts';
import { withFonts } from '../../src/render/fonts/font-library.ts';
import { Renderer, type RendererOptions } from '../../src/render/renderer.ts';
import { rendererOptions } from '../../src/runtime/renderer.ts';
import { Events } from '../../src/telemetry/events.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { testConfig } from './service.ts';

/** The renderer of a worker, by itself. `lines` are its log. */
export async function createRenderer(
  env: Record<string, string> = {},
  overrides: Partial<RendererOptions> = {},
  chromium?: ChromiumBinary,
): Promise<{ renderer: Renderer; lines: string[] }> {
  const config = testConfig(env);
  const dataDir = inject('dataDir');
  const found = chromium ?? (await findChromium({ ...config, chromePath: undefined, dataDir }));
  const { binary } = await withFonts(found, { ...config, dataDir });
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', process: 'test', human: false, write: (line) => lines.push(line) });
  const options = rendererOptions(config, binary, new Events(log));
  return { renderer: new Renderer({ ...options, ...overrides }), lines };
}

/** Renders a request as somebody would send it. */
export async function renderBody(renderer: Renderer, body: object, tenant = 'ann'): Promise<PrintOutcome> {
  const parsed = parsePdfRequest(body);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  return renderer.render(onlyPart(parsed.request), { tenant });
}

/** The PDF of a request that must be fine. */
export async function pdfOf(renderer: Renderer, body: object, tenant?: string): Promise<PrintedPart> {
  const outcome = await renderBody(renderer, body, tenant);
  if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.pdf;
}
