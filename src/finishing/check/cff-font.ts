import type { FontProgram } from './font-program.ts';
import { nameIn, STANDARD_NAMES } from './glyph-names.ts';
import { latin1 } from './pdf-lexer.ts';

type Index = readonly Uint8Array[];
type Operators = ReadonlyMap<number, readonly number[]>;

const STANDARD_STRINGS = 391;
const TOP = { charset: 15, encoding: 16, charStrings: 17, private: 18, fontMatrix: 1207, identifiers: 1230, fonts: 1236, select: 1237 }; // prettier-ignore
/** Of glyphs with the same private dictionary. */
const MAX_RANGES = 10_000;
const DEFAULT_WIDTH = 20;
const NOMINAL_WIDTH = 21;

/** @throws RangeError if it is damaged */
export function readCff(bytes: Uint8Array): FontProgram {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [, afterNames] = readIndex(view, bytes, view.getUint8(2));
  const [tops, afterTops] = readIndex(view, bytes, afterNames);
  const [strings] = readIndex(view, bytes, afterTops);
  const top = readOperators(tops[0] ?? new Uint8Array());
  const [charStrings] = readIndex(view, bytes, top.get(TOP.charStrings)?.[0] ?? 0);
  const charset = readCharset(view, top.get(TOP.charset)?.[0] ?? 0, charStrings.length);
  const isScaled = top.has(TOP.fontMatrix);
  const glyphs = charStrings.length;
  if (top.has(TOP.identifiers)) {
    const [fonts] = readIndex(view, bytes, top.get(TOP.fonts)?.[0] ?? 0);
    const privates = fonts.map((font) => readPrivate(bytes, readOperators(font)));
    const isOwnScale = isScaled || fonts.some((font) => readOperators(font).has(TOP.fontMatrix));
    const select = readSelect(view, top.get(TOP.select)?.[0], glyphs);
    const widthOf = (glyph: number) => isOwnScale ? undefined : widthIn(charStrings[glyph], privates[select(glyph)]); // prettier-ignore
    return { glyphs, widthOf, identifiers: new Map(charset.map((identifier, glyph) => [identifier, glyph])) };
  }
  const own = readPrivate(bytes, top);
  const nameOf = (number: number) => STANDARD_NAMES[number] ?? (number < STANDARD_STRINGS ? `expert ${number}` : text(strings[number - STANDARD_STRINGS])); // prettier-ignore
  const names = charset.map(nameOf);
  const widthOf = (glyph: number) => (isScaled ? undefined : widthIn(charStrings[glyph], own));
  return { glyphs, widthOf, names, encoding: readEncoding(view, top.get(TOP.encoding)?.[0] ?? 0, names) };
}

const text = (bytes: Uint8Array | undefined) => (bytes ? latin1(bytes, 0, bytes.length) : '');

function readIndex(view: DataView, bytes: Uint8Array, at: number): [Index, number] {
  const count = view.getUint16(at);
  if (count === 0) return [[], at + 2];
  const size = view.getUint8(at + 2);
  const offset = (index: number) => {
    let value = 0;
    for (let part = 0; part < size; part++) value = value * 256 + view.getUint8(at + 3 + index * size + part);
    return value;
  };
  const start = at + 2 + (count + 1) * size;
  const items = Array.from({ length: count }, (_, index) => bytes.subarray(start + offset(index), start + offset(index + 1))); // prettier-ignore
  return [items, start + offset(count)];
}

/** Operators of a dictionary with their numbers; of two bytes: 1200 and the second. */
function readOperators(bytes: Uint8Array): Operators {
  const operators = new Map<number, number[]>();
  let operands: number[] = [];
  const at = (index: number) => bytes[index] ?? 0;
  for (let index = 0; index < bytes.length; index++) {
    const code = at(index);
    if (code <= 21) {
      operators.set(code === 12 ? 1_200 + at(++index) : code, operands);
      operands = [];
    } else if (code === 28) operands.push(((at(++index) << 24) | (at(++index) << 16)) >> 16);
    else if (code === 29) operands.push((at(++index) << 24) | (at(++index) << 16) | (at(++index) << 8) | at(++index));
    else if (code === 30) {
      while (index < bytes.length && (at(++index) & 0x0f) !== 0x0f); // reals are not needed
      operands.push(0);
    } else if (code <= 246) operands.push(code - 139);
    else if (code <= 250) operands.push((code - 247) * 256 + at(++index) + 108);
    else operands.push(-(code - 251) * 256 - at(++index) - 108);
  }
  return operators;
}

function readPrivate(bytes: Uint8Array, font: Operators): Operators {
  const [size = 0, offset = 0] = font.get(TOP.private) ?? [];
  return readOperators(bytes.subarray(offset, offset + size));
}

function readCharset(view: DataView, at: number, glyphs: number): number[] {
  if (at <= 2) return Array.from({ length: glyphs }, (_, glyph) => glyph); // of the standard
  const charset = [0];
  const format = view.getUint8(at);
  for (let position = at + 1; charset.length < glyphs;) {
    const first = view.getUint16(position);
    position += 2;
    let more = 0;
    if (format === 1) more = view.getUint8(position++);
    if (format === 2) more = view.getUint16(position);
    if (format === 2) position += 2;
    for (let index = 0; index <= more && charset.length < glyphs; index++) charset.push(first + index);
  }
  return charset;
}

function readSelect(view: DataView, at: number | undefined, glyphs: number): (glyph: number) => number {
  if (at === undefined) return () => 0;
  if (view.getUint8(at) === 0) return (glyph) => view.getUint8(at + 1 + glyph);
  const fonts = new Uint8Array(glyphs);
  for (let range = 0; range < Math.min(MAX_RANGES, view.getUint16(at + 1)); range++) {
    const place = at + 3 + 3 * range;
    fonts.fill(view.getUint8(place + 2), view.getUint16(place), view.getUint16(place + 3));
  }
  return (glyph) => fonts[glyph] ?? 0;
}

function readEncoding(view: DataView, at: number, names: readonly string[]): Map<number, number> {
  const encoding = new Map<number, number>();
  if (at <= 1) {
    const glyphs = new Map(names.map((name, glyph) => [name, glyph]));
    for (let code = 0; code < 256; code++) {
      const glyph = glyphs.get(nameIn('StandardEncoding', code) ?? '');
      if (glyph !== undefined) encoding.set(code, glyph);
    }
    return encoding;
  }
  const format = view.getUint8(at) & 0x7f;
  const count = view.getUint8(at + 1);
  let glyph = 1;
  for (let index = 0; index < count; index++)
    if (format === 0) encoding.set(view.getUint8(at + 2 + index), glyph++);
    else
      for (let more = 0; more <= view.getUint8(at + 3 + 2 * index); more++)
        encoding.set(view.getUint8(at + 2 + 2 * index) + more, glyph++);
  return encoding;
}

/** The width stands before the first operator, if it is not the usual one. */
function widthIn(charString: Uint8Array | undefined, own: Operators | undefined): number | undefined {
  if (!charString) return undefined;
  const usual = own?.get(DEFAULT_WIDTH)?.[0] ?? 0;
  const nominal = own?.get(NOMINAL_WIDTH)?.[0] ?? 0;
  const numbers: number[] = [];
  const at = (index: number) => charString[index] ?? 0;
  for (let index = 0; index < charString.length; index++) {
    const code = at(index);
    if (code === 28) numbers.push(((at(++index) << 24) | (at(++index) << 16)) >> 16);
    else if (code === 255) {
      numbers.push(((at(index + 1) << 8) | at(index + 2)) + ((at(index + 3) << 8) | at(index + 4)) / 65_536);
      index += 4;
    } else if (code >= 32 && code <= 246) numbers.push(code - 139);
    else if (code >= 247 && code <= 250) numbers.push((code - 247) * 256 + at(++index) + 108);
    else if (code >= 251) numbers.push(-(code - 251) * 256 - at(++index) - 108);
    else {
      const usualCount = code === 21 ? 2 : code === 22 || code === 4 ? 1 : code === 14 ? (numbers.length >= 4 ? 4 : 0) : undefined; // prettier-ignore
      const isHint = [1, 3, 18, 19, 20, 23].includes(code);
      if (usualCount === undefined && !isHint) return undefined; // a subroutine
      const hasWidth = isHint ? numbers.length % 2 === 1 : numbers.length > (usualCount ?? 0);
      return hasWidth ? nominal + (numbers[0] ?? 0) : usual;
    }
  }
  return undefined;
}
