import type { PdfBytes } from '../domain/outcome.ts';
import { onlyPart, parsePdfRequest } from '../domain/pdf-request.ts';
import { OperatorError } from '../kernel/errors.ts';
import type { Renderer } from '../render/renderer.ts';
import { type Calibration, costOf } from './calibration.ts';
import type { DocumentCost } from './document-cost.ts';

interface MeasureInput {
  renderer: Renderer;
  /** HTML by name */
  documents: Readonly<Record<string, string>>;
  cores: number;
  /** documents at a time that saturate the machine */
  slots: number;
  /** for all documents together */
  seconds: number;
  onProgress: (message: string) => void;
}

/** Renders each document one at a time, then one in each slot, then the same for tenants without a warm page. */
export async function measureRenderer(input: MeasureInput): Promise<Calibration> {
  const { renderer, cores, slots, onProgress } = input;
  const documents: Record<string, DocumentCost> = {};
  const seconds = input.seconds / Object.keys(input.documents).length;
  let samples = 0;
  for (const [name, html] of Object.entries(input.documents)) {
    onProgress(`Rendering ${name}`);
    const parsed = parsePdfRequest({ html });
    if (!parsed.ok) throw new OperatorError(`${name}: ${parsed.fields.map(({ message }) => message).join('; ')}`);
    let last: PdfBytes | undefined;
    let tenants = 0;
    const render = async (tenant: string) => {
      const outcome = await renderer.render(onlyPart(parsed.request), { tenant });
      if (outcome.kind !== 'done')
        throw new OperatorError(`${name} cannot be rendered: ${'message' in outcome ? outcome.message : outcome.kind}`);
      last = outcome.pdf;
    };
    const inWarmPage = () => render('calibration');

    await inSlots(slots, seconds * 0.1, inWarmPage);
    const alone = await inSlots(1, seconds * 0.3, inWarmPage);
    const saturated = await inSlots(slots, seconds * 0.3, inWarmPage);
    const newPage = await inSlots(slots, seconds * 0.3, () => render(`${name} ${tenants++}`));
    samples += alone.times.length + saturated.times.length + newPage.times.length;
    documents[name] = costOf({
      cores,
      slots,
      aloneMs: alone.times,
      saturatedRate: saturated.rate,
      newPageRate: Math.min(newPage.rate, saturated.rate),
      htmlBytes: Buffer.byteLength(html),
      pdfBytes: last?.size ?? 0,
    });
  }
  return { source: 'renderer', measuredAt: new Date().toISOString(), cores, samples, documents };
}

/** At least once in each slot. @returns milliseconds of each run, and runs a second while every slot was busy */
async function inSlots(slots: number, seconds: number, once: () => Promise<void>) {
  const spans: { from: number; to: number }[] = [];
  const startedAt = performance.now();
  let busyUntil = Infinity;
  const loop = async () => {
    do {
      const from = performance.now();
      await once();
      spans.push({ from, to: performance.now() });
    } while (performance.now() < startedAt + seconds * 1000);
    busyUntil = Math.min(busyUntil, performance.now());
  };
  await Promise.all(Array.from({ length: slots }, loop));
  // A run that another slot had not finished by then counts in part.
  const done = spans.map(({ from, to }) => Math.max(0, Math.min(to, busyUntil) - from) / (to - from));
  const sum = done.reduce((total, part) => total + part, 0);
  return { times: spans.map(({ from, to }) => to - from), rate: (sum / (busyUntil - startedAt)) * 1000 };
}
