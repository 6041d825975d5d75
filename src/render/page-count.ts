/** Large enough for the trailer at the end, and for the first entries of an object. */
const TAIL_BYTES = 1024;
const HEAD_BYTES = 256;
/** An entry of the cross-reference table: `0000009758 00000 n\r\n`. */
const ENTRY_BYTES = 20;

/**
 * The number of pages of a PDF by Chromium, read as a viewer does: the trailer names the catalog, the catalog the root of
 * the page tree, and the root has the number. Costs the same for every PDF, and no content of the document can change
 * the result.
 * @param pieces the bytes, in order
 * @returns 0 if it is not a PDF by Chromium
 */
export function countPages(pieces: readonly Uint8Array[]): number {
  const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const tail = textAt(pieces, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const trailer = tail.slice(Math.max(0, tail.lastIndexOf('trailer'))); // after it there is no content of the document
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
  let start = offset;
  const parts = pieces.map((piece) => {
    const part = piece.subarray(Math.max(0, start), Math.max(0, start + length));
    start -= piece.byteLength;
    return part;
  });
  return Buffer.concat(parts).toString('latin1');
}
