import { type FontEncoding, unicodeMapOf } from './font-encoding.ts';
import type { FontProgram } from './font-program.ts';
import { readProgram } from './read-font-program.ts';
import { characterIn, characterOf, nameIn } from './glyph-names.ts';
import type { PdfFile } from './pdf-file.ts';
import { isNumber, type PdfDictionary, PdfName } from './pdf-value.ts';

const SYMBOLIC = 4;
/** Where maps of symbols begin. */
const SYMBOLS = 0xf000;

/** Fonts of one byte a character. */
export function readSimpleFont(file: PdfFile, font: PdfDictionary): FontEncoding {
  const program = readProgram(file, font.dictionary('FontDescriptor'));
  const nameOf = readNames(font);
  const texts = unicodeMapOf(file, font);
  const first = font.number('FirstChar') ?? 0;
  const widths = font.list('Widths')?.map((width) => (isNumber(width) ? width : undefined)) ?? [];
  return {
    program,
    codesOf: (bytes) => [...bytes],
    glyphOf: program ? glyphFinder(font, program, nameOf) : () => undefined,
    widthOf: (code) => widths[code - first],
    textOf(code) {
      const text = texts?.get(code);
      if (text !== undefined) return text;
      const name = nameOf(code);
      const base = baseEncoding(font);
      return (name === undefined ? undefined : characterOf(name)) ?? (base === undefined || differences(font).has(code) ? undefined : characterIn(base, code)); // prettier-ignore
    },
  };
}

export const isSymbolic = (font: PdfDictionary): boolean =>
  ((font.dictionary('FontDescriptor')?.number('Flags') ?? 0) & SYMBOLIC) !== 0;

export const baseEncoding = (font: PdfDictionary): string | undefined =>
  font.name('Encoding') ?? font.dictionary('Encoding')?.name('BaseEncoding');

/** The names that a font's own encoding gives to codes. */
export function differences(font: PdfDictionary): Map<number, string> {
  const names = new Map<number, string>();
  let code = 0;
  for (const value of font.dictionary('Encoding')?.list('Differences') ?? [])
    if (isNumber(value)) code = value;
    else if (value instanceof PdfName) names.set(code++, value.text);
  return names;
}

function readNames(font: PdfDictionary): (code: number) => string | undefined {
  const own = differences(font);
  const base = baseEncoding(font);
  return (code) => own.get(code) ?? (base === undefined ? undefined : nameIn(base, code));
}

type GlyphOf = FontEncoding['glyphOf'];

function glyphFinder(font: PdfDictionary, program: FontProgram, nameOf: (code: number) => string | undefined): GlyphOf {
  if (program.names)
    return findByName(program, { names: program.names, hasBase: baseEncoding(font) !== undefined }, nameOf);
  if (program.maps) return isSymbolic(font) || !font.has('Encoding') ? findBySymbol(program) : findByCharacter(font, program, nameOf); // prettier-ignore
  return () => undefined;
}

function findByName(
  program: FontProgram,
  { names, hasBase }: { names: readonly string[]; hasBase: boolean },
  nameOf: (code: number) => string | undefined,
): GlyphOf {
  // prettier-ignore
  const glyphs = new Map(names.map((name, glyph) => [name, glyph]));
  return (code) => {
    const name = nameOf(code);
    if (name === undefined) return hasBase && code < 32 ? 0 : program.encoding?.get(code);
    return glyphs.get(name) ?? 'absent';
  };
}

function findBySymbol({ maps = [] }: FontProgram): GlyphOf {
  const map = maps.find(({ platform, encoding }) => platform === 3 && encoding === 0) ?? maps.find(({ platform }) => platform === 1); // prettier-ignore
  if (!map) return () => undefined;
  return (code) => map.glyphs.get(code) ?? map.glyphs.get(SYMBOLS + code) ?? 0;
}

function findByCharacter(
  font: PdfDictionary,
  { maps = [] }: FontProgram,
  nameOf: (code: number) => string | undefined,
): GlyphOf {
  // prettier-ignore
  const unicode = maps.find(({ platform, encoding }) => (platform === 3 && encoding === 1) || platform === 0);
  const base = baseEncoding(font);
  const own = differences(font);
  return (code) => {
    if (!unicode) return undefined;
    const name = nameOf(code);
    const character = name === undefined ? base !== undefined && !own.has(code) ? characterIn(base, code) : undefined : characterOf(name); // prettier-ignore
    const point = character?.codePointAt(0);
    return point === undefined ? undefined : unicode.glyphs.get(point); // other maps may have it
  };
}
