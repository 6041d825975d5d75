/** Bytes at the end in which the trailer is, and of an object in which its first entries are. */
const TAIL_BYTES = 1024;
const HEAD_BYTES = 256;
/** Of the table of objects: `0000009758 00000 n\r\n`. */
const ENTRY_BYTES = 20;

/**
 * Pages of a PDF that Chromium wrote, read as a viewer does: the trailer names the catalog, that the root of
 * the page tree, and that counts every page. Nothing between them is looked at, so it costs the same for every
 * PDF, and no title, image or link of the document can have a say in it.
 * @param pieces the bytes, in order
 * @returns 0 if this is no such PDF
 */
export function countPages(pieces: readonly Uint8Array[]): number {
  const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const tail = textAt(pieces, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const trailer = tail.slice(Math.max(0, tail.lastIndexOf('trailer'))); // behind it nothing is the document's
  const root = numberIn(trailer, /^trailer\s+<<\s*\/Size \d+\s+\/Root (\d+) 0 R\b/);
  const table = numberIn(trailer, /\bstartxref\s+(\d+)\s+%%EOF\s*$/);
  if (root === undefined || table === undefined) return 0;

  const [start] = /^xref\s+0 \d+\s*?\n/.exec(textAt(pieces, table, HEAD_BYTES)) ?? [];
  if (start === undefined) return 0;
  const objectAt = (number: number) => {
    const entry = textAt(pieces, table + start.length + number * ENTRY_BYTES, ENTRY_BYTES);
    const offset = numberIn(entry, /^(\d{10}) 00000 n/);
    const text = offset === undefined ? '' : textAt(pieces, offset, HEAD_BYTES);
    const begin = `${number} 0 obj`;
    return text.startsWith(begin) ? text.slice(begin.length) : '';
  };
  const pages = numberIn(objectAt(root), /^\s+<<\s*\/Type \/Catalog\s+\/Pages (\d+) 0 R\b/);
  return (pages !== undefined && numberIn(objectAt(pages), /^\s+<<\s*\/Type \/Pages\s+\/Count (\d+)\b/)) || 0;
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** At most `length` bytes from `offset` on. */
function textAt(pieces: readonly Uint8Array[], offset: number, length: number): string {
  const parts: Uint8Array[] = [];
  let from = offset;
  let left = length;
  for (const piece of pieces) {
    if (from < piece.byteLength && left > 0) {
      const part = piece.subarray(from, from + left);
      parts.push(part);
      left -= part.byteLength;
    }
    from = Math.max(0, from - piece.byteLength);
  }
  return Buffer.concat(parts).toString('latin1');
}
