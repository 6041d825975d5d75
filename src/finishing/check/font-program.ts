import { readCff } from './cff-font.ts';
import type { PdfFile } from './pdf-file.ts';
import { PdfStream, type PdfDictionary } from './pdf-value.ts';
import { readTrueType } from './true-type.ts';

/** An embedded font. Widths are thousandths of its size. */
export interface FontProgram {
  glyphs: number;
  /** undefined: it is not known */
  widthOf(glyph: number): number | undefined;
  /** of a TrueType font: its maps of characters */
  maps?: CharacterMap[];
  /** of a CFF font with names: the name of each glyph */
  names?: string[];
  /** of a CFF font with names: by code, in its own encoding */
  encoding?: Map<number, number>;
  /** of a CFF font with identifiers: the glyph of each */
  identifiers?: Map<number, number>;
}

export interface CharacterMap {
  platform: number;
  encoding: number;
  glyphs: Map<number, number>;
}

/** The stream of an embedded font. */
export function programStream(descriptor: PdfDictionary | undefined): PdfStream | undefined {
  for (const key of ['FontFile', 'FontFile2', 'FontFile3']) {
    const stream = descriptor?.stream(key);
    if (stream) return stream;
  }
  return undefined;
}

/** @returns undefined if there is none, or it is of a kind that is not read (Type 1), or damaged */
export function readProgram(file: PdfFile, descriptor: PdfDictionary | undefined): FontProgram | undefined {
  const stream = programStream(descriptor);
  if (!stream) return undefined;
  const content = file.content(stream);
  try {
    const first = content[0];
    if (first === 0 || first === 0x74) return readTrueType(content); // 1.0, true
    if (first === 0x4f) return readOpenType(content); // OTTO
    return first === 1 ? readCff(content) : undefined;
  } catch {
    return undefined; // it is damaged
  }
}

function readOpenType(content: Uint8Array): FontProgram | undefined {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let index = 0; index < view.getUint16(4); index++) {
    const at = 12 + 16 * index;
    if (view.getUint32(at) === 0x43464620) {
      const start = view.getUint32(at + 8);
      return readCff(content.subarray(start, start + view.getUint32(at + 12)));
    }
  }
  return undefined;
}
