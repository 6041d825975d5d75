import { CONFORMANCES, isArchive } from '../../../domain/finishing.ts';
import type { Fields } from '../fields.ts';

/** `finishing.conformance` of the fields `pdfa` and `pdfua`; empty: none. */
export function conformance(fields: Fields, { isRequired = false } = {}): string[] {
  const archives = CONFORMANCES.filter(isArchive);
  const isOld = fields.text('pdfa') === 'PDF/A-1b';
  if (isOld)
    fields.refuse('pdfa', `PDF/A-1b, which has no transparency, is not made here; allowed: ${archives.join(', ')}`);
  const archive = isOld ? undefined : fields.choice('pdfa', archives);
  const isAccessible = fields.boolean('pdfua');
  const isNone = fields.text('pdfa') === undefined && (fields.text('pdfua') === undefined || isAccessible === false);
  if (isRequired && isNone) fields.refuse('pdfa', 'required: pdfa, or pdfua with true');
  return [...(archive === undefined ? [] : [archive]), ...(isAccessible ? ['PDF/UA-1'] : [])];
}
