import { PdfArray, PdfDict, PdfName, type PdfObject, PdfRef, PdfString } from '../libpdf.ts';
import { keyOf } from './trees.ts';

/** Enough to see that two small objects are the same. */
export function objectText(object: PdfObject | undefined): string {
  if (object instanceof PdfRef) return object.toString();
  if (object instanceof PdfDict) return `<${[...object].map(([{ value: key }, value]) => `/${key} ${objectText(value)}`).join(' ')}>`; // prettier-ignore
  if (object instanceof PdfArray) return `[${object.toArray().map(objectText).join(' ')}]`;
  if (object instanceof PdfString) return `(${keyOf(object)})`;
  if (object instanceof PdfName) return `/${object.value}`;
  return object && 'value' in object ? String(object.value) : '';
}
