import { createHash } from 'node:crypto';
import type { Outcome, PdfBytes, PrintOutcome } from '../../src/domain/outcome.ts';

const timings = { page: 1, load: 1, wait: 1, print: 1 };

function pdfWith(bytes: Uint8Array): PdfBytes {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { chunks: [bytes], size: bytes.length, pages: 1, sha256 };
}

/** What a job would have ended with, with these bytes for a PDF. */
export function doneWith(bytes: Uint8Array): Extract<Outcome, { kind: 'done' }> {
  return { kind: 'done', files: [pdfWith(bytes)], timings, failedResources: [], missingFonts: [], incomplete: [] };
}

/** The same of one part. */
export function printedWith(bytes: Uint8Array): Extract<PrintOutcome, { kind: 'done' }> {
  return { kind: 'done', pdf: { ...pdfWith(bytes), timings, failedResources: [], missingFonts: [], incomplete: [] } };
}
