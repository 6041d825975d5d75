import type { Fields } from '../fields.ts';
import { pageSelectionOf } from './page-selection-of.ts';

/** How PDFs are split: settings of a request of ours. */
export interface SplitSettings {
  /** `finishing.pages` */
  pages?: string | undefined;
  /** pages of a file; undefined: each PDF stays one file */
  every?: number;
}

/** The fields `splitMode`, `splitSpan` and `splitUnify`. @returns undefined: not split */
export function splitSettings(fields: Fields, { isRequired = false } = {}): SplitSettings | undefined {
  if (isRequired) {
    fields.require('splitMode', 'intervals or pages');
    fields.require('splitSpan', 'pages of a file with intervals, or pages such as 1-3,5,7- with pages');
  }
  const mode = fields.choice('splitMode', ['intervals', 'pages']);
  if (mode === undefined) return undefined;
  if (!isRequired && !fields.require('splitSpan', `it belongs to splitMode ${mode}`)) return undefined;
  if (mode === 'intervals') {
    const every = fields.whole('splitSpan', { min: 1, max: 100_000 });
    return every === undefined ? undefined : { every };
  }
  const pages = pageSelectionOf(fields.text('splitSpan') ?? '', 'splitSpan', fields);
  return fields.boolean('splitUnify') ? { pages } : { pages, every: 1 };
}
