import type { Calibration } from './calibration.ts';
import { type DocumentCost, serviceCost } from './document-cost.ts';

/** Spread as seen of one document rendered again and again. */
const SPREAD = [0.86, 0.9, 0.93, 0.95, 0.97, 0.99, 1.01, 1.04, 1.1, 1.25];

type Known = Pick<DocumentCost, 'renderMs' | 'newPageMs' | 'htmlBytes' | 'pdfBytes'>;

const document = (known: Known): DocumentCost => ({
  ...known,
  ...serviceCost(known),
  idleMs: 0,
  parallelism: 1.2,
  spread: SPREAD,
});

/**
 * What plans rest on until something was measured here: two cores of a cloud machine, the renderer alone, as in
 * docs/performance.md; the report of some fifty pages by its ratio to the invoice.
 */
export const BUILT_IN_CALIBRATION: Calibration = {
  source: 'built-in',
  measuredAt: '2026-11-25T00:00:00.000Z',
  cores: 2,
  samples: 0,
  documents: {
    invoice: document({ renderMs: 93, newPageMs: 111, htmlBytes: 4_200, pdfBytes: 57_000 }),
    ticket: document({ renderMs: 95, newPageMs: 213, htmlBytes: 590_000, pdfBytes: 430_000 }),
    report: document({ renderMs: 300, newPageMs: 150, htmlBytes: 111_000, pdfBytes: 123_000 }),
  },
};
