import type { CharacterMap, FontProgram } from './font-program.ts';
import { latin1 } from './pdf-lexer.ts';

/** Characters of one map. */
const MAX_CHARACTERS = 100_000;

/** @throws RangeError if it is damaged */
export function readTrueType(bytes: Uint8Array): FontProgram | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tables = new Map<string, number>();
  for (let index = 0; index < view.getUint16(4); index++)
    tables.set(latin1(bytes, 12 + 16 * index, 16 + 16 * index), view.getUint32(20 + 16 * index));
  const [head, maxp, hhea, hmtx, cmap] = ['head', 'maxp', 'hhea', 'hmtx', 'cmap'].map((name) => tables.get(name));
  if (head === undefined || maxp === undefined) return undefined;
  const unitsPerEm = view.getUint16(head + 18) || 1_000;
  const metrics = hhea === undefined ? 0 : view.getUint16(hhea + 34);
  return {
    glyphs: view.getUint16(maxp + 4),
    widthOf(glyph) {
      if (hmtx === undefined || metrics === 0) return undefined;
      const at = hmtx + 4 * Math.min(glyph, metrics - 1);
      return at + 2 > bytes.length ? undefined : (view.getUint16(at) * 1_000) / unitsPerEm;
    },
    maps: cmap === undefined ? [] : readMaps(view, cmap),
  };
}

function readMaps(view: DataView, cmap: number): CharacterMap[] {
  const maps: CharacterMap[] = [];
  for (let index = 0; index < Math.min(50, view.getUint16(cmap + 2)); index++) {
    const at = cmap + 4 + 8 * index;
    const glyphs = readMap(view, cmap + view.getUint32(at + 4));
    maps.push({ platform: view.getUint16(at), encoding: view.getUint16(at + 2), glyphs });
  }
  return maps;
}

function readMap(view: DataView, at: number): Map<number, number> {
  const glyphs = new Map<number, number>();
  const format = view.getUint16(at);
  let read = 0; // ranges may overlap, over and over
  if (format === 0) for (let code = 0; code < 256; code++) glyphs.set(code, view.getUint8(at + 6 + code));
  else if (format === 6)
    for (let index = 0; index < view.getUint16(at + 8); index++)
      glyphs.set(view.getUint16(at + 6) + index, view.getUint16(at + 10 + 2 * index));
  else if (format === 4) readSegments(view, at, glyphs);
  else if (format === 12)
    for (let group = 0; group < view.getUint32(at + 12) && read < MAX_CHARACTERS; group++) {
      const [first, last, glyph] = [0, 4, 8].map((part) => view.getUint32(at + 16 + 12 * group + part)) as [number, number, number]; // prettier-ignore
      for (let code = first; code <= last && read < MAX_CHARACTERS; code++, read++)
        glyphs.set(code, glyph + code - first);
    }
  return glyphs;
}

function readSegments(view: DataView, at: number, glyphs: Map<number, number>): void {
  const count = view.getUint16(at + 6) / 2;
  let read = 0;
  for (let index = 0; index < count; index++) {
    const last = view.getUint16(at + 14 + 2 * index);
    const first = view.getUint16(at + 16 + 2 * (count + index));
    const delta = view.getUint16(at + 16 + 2 * (2 * count + index));
    const offsetAt = at + 16 + 2 * (3 * count + index);
    const offset = view.getUint16(offsetAt);
    for (let code = first; code <= last && code < 0xffff && read < MAX_CHARACTERS; code++, read++) {
      const place = offsetAt + offset + 2 * (code - first);
      const glyph = offset === 0 ? code : place + 2 <= view.byteLength ? view.getUint16(place) : 0;
      glyphs.set(code, offset !== 0 && glyph === 0 ? 0 : (glyph + delta) & 0xffff);
    }
  }
}
