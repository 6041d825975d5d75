import { CONFORMANCES, isArchive } from '../../../domain/finishing.ts';
import type { Fields } from '../fields.ts';

/** `finishing.conformance` of the fields `pdfa` and `pdfua`; empty: none. */
export function conformance(fields: Fields, { isRequired = false } = {}): string[] {
  const archive = fields.choice('pdfa', CONFORMANCES.filter(isArchive));
  const isAccessible = fields.boolean('pdfua');
  const isNone = fields.text('pdfa') === undefined && (fields.text('pdfua') === undefined || isAccessible === false);
  if (isRequired && isNone) fields.refuse('pdfa', 'required: pdfa, or pdfua with true');
  return [...(archive === undefined ? [] : [archive]), ...(isAccessible ? ['PDF/UA-1'] : [])];
}
