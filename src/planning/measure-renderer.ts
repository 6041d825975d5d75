import { parsePdfRequest } from '../domain/pdf-request.ts';
import type { RenderedPdf } from '../domain/outcome.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { Renderer } from '../render/renderer.ts';
import { type Calibration, costOf } from './calibration.ts';
import type { DocumentCost } from './document-cost.ts';

interface MeasureInput {
  renderer: Renderer;
  /** HTML by name */
  documents: Readonly<Record<string, string>>;
  cores: number;
  /** documents at a time when the machine is to be saturated */
  slots: number;
  /** for each document, in all */
  seconds: number;
  onProgress: (message: string) => void;
}

/** Renders each document alone, then as many as there are slots, then for tenants who were never there. */
export async function measureRenderer(input: MeasureInput): Promise<Calibration> {
  const { documents, cores, onProgress } = input;
  const costs: Record<string, DocumentCost> = {};
  let samples = 0;
  for (const [name, html] of Object.entries(documents)) {
    onProgress(`Rendering ${name}`);
    const measured = await measureDocument(input, name, html);
    costs[name] = costOf(measured);
    samples += measured.samples;
  }
  return { source: 'renderer', measuredAt: new Date().toISOString(), cores, samples, documents: costs };
}

async function measureDocument({ renderer, cores, slots, seconds }: MeasureInput, name: string, html: string) {
  const parsed = parsePdfRequest({ html });
  if (!parsed.ok) throw new OperatorError(`${name}: ${parsed.fields.map(({ message }) => message).join('; ')}`);
  let last: RenderedPdf | undefined;
  let newcomers = 0;
  const render = async (tenant: string) => {
    const outcome = await renderer.render(parsed.request, { tenant });
    if (outcome.kind !== 'done')
      throw new OperatorError(`${name} cannot be rendered: ${'message' in outcome ? outcome.message : outcome.kind}`);
    last = outcome.pdf;
  };
  const warm = () => render('calibration');
  const newcomer = () => render(`${name} ${newcomers++}`);

  await inLanes(slots, seconds * 0.1, warm);
  const alone = await inLanes(1, seconds * 0.3, warm);
  const saturated = await inLanes(slots, seconds * 0.3, warm);
  const anew = await inLanes(slots, seconds * 0.3, newcomer);
  const { size = 0 } = last ?? {};
  return {
    cores,
    slots,
    aloneMs: alone.times,
    saturatedRate: saturated.rate,
    newPageRate: Math.min(anew.rate, saturated.rate),
    htmlBytes: Buffer.byteLength(html),
    pdfBytes: size,
    samples: alone.times.length + saturated.times.length + anew.times.length,
  };
}

/** Once in each lane at least. @returns milliseconds of each, and how many were done in a second while every lane was busy */
async function inLanes(lanes: number, seconds: number, once: () => Promise<void>) {
  const spans: { from: number; to: number }[] = [];
  const startedAt = performance.now();
  let busyUntil = Infinity;
  const lane = async () => {
    do {
      const from = performance.now();
      await once();
      spans.push({ from, to: performance.now() });
    } while (performance.now() < startedAt + seconds * 1000);
    busyUntil = Math.min(busyUntil, performance.now());
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  // What the other lanes were still at then counts in part.
  const done = spans.map(({ from, to }) => Math.max(0, Math.min(to, busyUntil) - from) / (to - from));
  return {
    times: spans.map(({ from, to }) => to - from),
    rate: (done.reduce((sum, part) => sum + part, 0) / (busyUntil - startedAt)) * 1000,
  };
}
