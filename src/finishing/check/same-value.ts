import { PdfDictionary, PdfName, PdfStream, type PdfValue } from './pdf-value.ts';

const MAX_VALUES = 10_000;

/** Whether two values are written alike, wherever their parts are. Of large ones the beginning is compared. */
export function sameValue(first: PdfValue, second: PdfValue): boolean {
  const open: [PdfValue, PdfValue][] = [[first, second]];
  for (let count = 0; count < MAX_VALUES; count++) {
    const pair = open.pop();
    if (!pair) return true;
    const [a, b] = pair;
    if (a === b) continue;
    if (a instanceof PdfName && b instanceof PdfName && a.text === b.text) continue;
    if (a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0) continue;
    if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
      for (const [index, value] of a.entries()) open.push([value, b[index] ?? null]);
    } else if (a instanceof PdfDictionary && b instanceof PdfDictionary && a.entries.size === b.entries.size) {
      if (a instanceof PdfStream !== b instanceof PdfStream) return false;
      if (a instanceof PdfStream && b instanceof PdfStream && Buffer.compare(a.data, b.data) !== 0) return false;
      for (const key of a.entries.keys()) open.push([a.get(key), b.get(key)]);
    } else return false;
  }
  return true;
}
