import { pageSelectionProblem } from '../../../domain/page-selection.ts';
import type { Fields } from '../fields.ts';

/** How programs that Gotenberg runs call the last page: pdfcpu, QPDF, PDFtk. */
const LAST = /(?<![a-z])(?:l|z|end)(?![a-z])/gi;

/**
 * A selection of pages as ours: `1-3,5,7-`, `even`, `2-z`. Refuses `field` if it is none.
 * @returns undefined: all pages
 */
export function pageSelectionOf(text: string, field: string, fields: Fields): string | undefined {
  const selection = text.trim().replaceAll(LAST, 'last');
  if (selection === '') return undefined;
  const problem = pageSelectionProblem(selection);
  if (problem !== undefined) fields.refuse(field, problem);
  return selection;
}
