import { createHash } from 'node:crypto';
import type { PdfBytes } from '../../src/domain/outcome.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import {
  type FinishContext,
  Finisher,
  type FinisherOptions,
  type FinishOutcome,
} from '../../src/finishing/finisher.ts';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { Span } from '../../src/telemetry/span.ts';
import { undoLater } from './clean-up.ts';
import { silentEvents } from './silent-events.ts';
import { type Doings, settingsWith, STEPS } from './steps.ts';

/** With the test's steps, and limits that are soon reached. */
export function createFinisher(options: Partial<FinisherOptions> = {}): Finisher {
  return new Finisher({
    caps: { maxBytes: 1_000_000, maxPages: 5_000, memoryBytes: 200 * MEGABYTE },
    isolation: 'tenant',
    events: silentEvents(),
    steps: STEPS,
    processes: 2,
    waitMs: 60_000, // a slow machine changes no outcome
    ...options,
  });
}

/** Until the test file is over. */
export async function startFinisher(options: Partial<FinisherOptions> = {}): Promise<Finisher> {
  const finisher = createFinisher(options);
  await finisher.start();
  undoLater(() => finisher.stop());
  return finisher;
}

/** Bytes as a PDF that was printed; nothing reads it. */
export function pdfBytes(bytes: string | Uint8Array, pages = 1): PdfBytes {
  const chunk = Buffer.from(bytes);
  return { chunks: [chunk], size: chunk.length, pages, sha256: createHash('sha256').update(chunk).digest('hex') };
}

/** Has the steps do something to PDFs. */
export function finish(
  finisher: Finisher,
  doings: Doings,
  pdfs: PdfBytes[] = [pdfBytes('pdf')],
  context: Partial<FinishContext> = {},
): Promise<FinishOutcome> {
  const parsed = parsePdfRequest({ html: 'x' });
  if (!parsed.ok) throw new Error('the request is not valid');
  const settings = settingsWith(parsed.request, doings);
  return finisher.finish(pdfs, { settings, timeoutMs: 60_000, tenant: 'ann', span: new Span(), ...context });
}

/** Of the files that must be there: text and pages, and whether size and hash are theirs. */
export function filesOf(outcome: FinishOutcome): string[] {
  if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.files.map(({ chunks, size, pages, sha256 }) => {
    const bytes = Buffer.concat(chunks);
    const isTrue = size === bytes.length && sha256 === createHash('sha256').update(bytes).digest('hex');
    return `${bytes.toString()}/${pages}${isTrue ? '' : ' with a wrong size or hash'}`;
  });
}
