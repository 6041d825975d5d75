import { type CodeMap, IDENTITY, readCodeMap } from './character-map.ts';
import { type FontEncoding, unicodeMapOf } from './font-encoding.ts';
import type { FontProgram } from './font-program.ts';
import { readProgram } from './read-font-program.ts';
import type { PdfFile } from './pdf-file.ts';
import { isDictionary, isNumber, type PdfDictionary, PdfStream } from './pdf-value.ts';

const USUAL_WIDTH = 1_000;
/** Widths of one font: ranges may overlap, over and over. */
const MAX_WIDTHS = 1_000_000;

export const descendantOf = (font: PdfDictionary): PdfDictionary | undefined =>
  font.list('DescendantFonts')?.find(isDictionary);

/** The map of a font's codes; undefined: it is one of the standard's that is not known here. */
function codeMapOf(file: PdfFile, font: PdfDictionary): CodeMap | undefined {
  const encoding = font.get('Encoding');
  if (encoding instanceof PdfStream) return readCodeMap(file.content(encoding));
  return font.name('Encoding')?.startsWith('Identity-') ? IDENTITY : undefined;
}

/** Fonts of several bytes a character. */
export function readCompositeFont(file: PdfFile, font: PdfDictionary): FontEncoding {
  const descendant = descendantOf(font);
  const program = readProgram(file, descendant?.dictionary('FontDescriptor'));
  const map = codeMapOf(file, font);
  const widths = readWidths(descendant);
  const usual = descendant?.number('DW') ?? USUAL_WIDTH;
  const texts = unicodeMapOf(file, font);
  const glyphOf = program && descendant ? glyphFinder(file, descendant, program) : () => undefined;
  return {
    program,
    codesOf: (bytes) => map?.split(bytes) ?? [],
    glyphOf: (code) => glyphOf(map?.identifierOf(code) ?? 0),
    widthOf: (code) => widths.get(map?.identifierOf(code) ?? 0) ?? usual,
    textOf: (code) => texts?.get(code),
  };
}

function glyphFinder(file: PdfFile, descendant: PdfDictionary, program: FontProgram): FontEncoding['glyphOf'] {
  const ifThere = (glyph: number) => (glyph < program.glyphs ? glyph : 'absent');
  if (descendant.name('Subtype') === 'CIDFontType0') {
    const { identifiers } = program;
    return identifiers ? (identifier) => identifiers.get(identifier) ?? 'absent' : ifThere;
  }
  const stream = descendant.stream('CIDToGIDMap');
  if (!stream) return ifThere;
  const map = file.content(stream);
  return (identifier) => ifThere((map[2 * identifier] ?? 0) * 256 + (map[2 * identifier + 1] ?? 0));
}

function readWidths(descendant: PdfDictionary | undefined): Map<number, number> {
  const widths = new Map<number, number>();
  const values = descendant?.list('W') ?? [];
  let read = 0;
  for (let index = 0; index + 1 < values.length;) {
    const [first, second, third] = values.slice(index, index + 3);
    if (!isNumber(first ?? null)) break;
    if (Array.isArray(second)) {
      for (const [offset, width] of second.entries()) {
        const found = descendant?.resolve(width) ?? null;
        if (isNumber(found)) widths.set((first as number) + offset, found);
      }
      index += 2;
    } else {
      if (typeof second === 'number' && typeof third === 'number')
        for (let each = first as number; each <= second && read < MAX_WIDTHS; each++, read++) widths.set(each, third);
      index += 3;
    }
  }
  return widths;
}
