import { readUnicodeMap } from './character-map.ts';
import type { FontProgram } from './font-program.ts';
import type { PdfFile } from './pdf-file.ts';
import type { PdfDictionary } from './pdf-value.ts';

/** How the strings of one font become glyphs. */
export interface FontEncoding {
  codesOf(bytes: Uint8Array): number[];
  /** 0: the glyph for missing characters; 'absent': the program has none; undefined: not known */
  glyphOf(code: number): number | 'absent' | undefined;
  /** thousandths of the size; undefined: the dictionary does not say it */
  widthOf(code: number): number | undefined;
  /** what the code is read as; undefined: nothing says it */
  textOf(code: number): string | undefined;
  program: FontProgram | undefined;
}

/** The texts that a font's own map gives to its codes. */
export function unicodeMapOf(file: PdfFile, font: PdfDictionary): ReadonlyMap<number, string> | undefined {
  const stream = font.stream('ToUnicode');
  return stream && readUnicodeMap(file.content(stream));
}
