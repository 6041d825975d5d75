import { PdfArray, PdfDict, type PdfObject, PdfRef, PdfStream } from '../libpdf.ts';

/** An object with its number. */
export interface Numbered {
  ref: PdfRef;
  object: PdfObject;
}

/** What the trailer leads to, in the order in which it does. /Length is left out: streams are written with their own. */
export function reachable(trailer: PdfDict, resolve: (ref: PdfRef) => PdfObject | null): Numbered[] {
  const found = new Map<number, Numbered>();
  const open: PdfObject[] = [];
  for (const key of ['Info', 'Root']) {
    const value = trailer.get(key);
    if (value) open.push(value);
  }
  for (let value = open.pop(); value; value = open.pop()) {
    if (value instanceof PdfRef) {
      if (found.has(value.objectNumber)) continue;
      const object = resolve(value);
      if (!object) continue; // as good as null
      found.set(value.objectNumber, { ref: value, object });
      open.push(object);
    } else if (value instanceof PdfDict) {
      for (const [key, entry] of value) if (!(value instanceof PdfStream && key.value === 'Length')) open.push(entry);
    } else if (value instanceof PdfArray) {
      for (let at = value.length - 1; at >= 0; at--) {
        const item = value.at(at);
        if (item) open.push(item);
      }
    }
  }
  return [...found.values()];
}
