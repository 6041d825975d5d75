import { createHash } from 'node:crypto';
import type { Outcome } from '../../src/domain/outcome.ts';

/** What a rendering would have given, with these bytes for a PDF. */
export function doneWith(bytes: Uint8Array): Extract<Outcome, { kind: 'done' }> {
  return {
    kind: 'done',
    pdf: {
      chunks: [bytes],
      size: bytes.length,
      pages: 1,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      timings: { page: 1, load: 1, wait: 1, print: 1 },
      failedResources: [],
    },
  };
}
