import { PdfDictionary, PdfName, PdfReference, type PdfValue, type Resolve } from './pdf-value.ts';

/** A word that is none of a PDF's values: an operator, `obj`, `stream`. */
export class PdfKeyword {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Levels of arrays and dictionaries in each other; what is deeper is read as null. */
const MAX_DEPTH = 200;
const CLOSE_ARRAY = new PdfKeyword(']');
const CLOSE_DICTIONARY = new PdfKeyword('>>');
const NOTHING: Resolve = (value) => (value instanceof PdfReference ? null : (value ?? null));

/** 1: white space, 2: delimiter */
const KIND = new Uint8Array(256);
for (const code of [0, 9, 10, 12, 13, 32]) KIND[code] = 1;
for (const code of Buffer.from('()<>[]{}/%')) KIND[code] = 2;
const HEX = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}
const ESCAPES = new Map(
  Object.entries({ n: 10, r: 13, t: 9, b: 8, f: 12 }).map(([letter, code]) => [letter.charCodeAt(0), code]),
);

export const isSpace = (code: number | undefined): boolean => code !== undefined && KIND[code] === 1;

/** What a lexer notices besides values. */
export interface LexerNotes {
  /** a hexadecimal string with a character that is no digit, or with an odd number of digits */
  onHexString?(what: 'odd' | 'no digit', position: number): void;
}

/** Reads values and words, of a file or of a content stream. Takes what is damaged as well as it can, in linear time. */
export class PdfLexer {
  position: number;
  readonly bytes: Uint8Array;
  readonly #resolve: Resolve;
  readonly #notes: LexerNotes;
  readonly #names = new Map<string, PdfName>();
  readonly #keywords = new Map<string, PdfKeyword>();

  constructor(bytes: Uint8Array, { position = 0, resolve = NOTHING, notes = {} } = {}) {
    this.bytes = bytes;
    this.position = position;
    this.#resolve = resolve;
    this.#notes = notes;
  }

  /** The next value or word; undefined at the end. */
  next(depth = 0): PdfValue | PdfKeyword | undefined {
    const { bytes } = this;
    this.skipSpace();
    const code = bytes[this.position];
    if (code === undefined) return undefined;
    if (code === 0x2f) return this.#name();
    if (code === 0x28) return this.#literalString();
    if (code === 0x5b) return this.#array(depth);
    if (code === 0x3c) return bytes[this.position + 1] === 0x3c ? this.#dictionary(depth) : this.#hexString();
    if (code === 0x5d) return this.#step(1, CLOSE_ARRAY);
    if (code === 0x3e) return bytes[this.position + 1] === 0x3e ? this.#step(2, CLOSE_DICTIONARY) : this.#step(1, new PdfKeyword('>')); // prettier-ignore
    if (KIND[code] === 2) return this.#step(1, new PdfKeyword(String.fromCharCode(code)));
    return this.#word();
  }

  skipSpace(): void {
    const { bytes } = this;
    for (;;) {
      const code = bytes[this.position];
      if (code === undefined) return;
      if (code === 0x25) while (!isEnd(bytes[this.position])) this.position++;
      else if (KIND[code] === 1) this.position++;
      else return;
    }
  }

  #step<T>(bytes: number, value: T): T {
    this.position += bytes;
    return value;
  }

  #name(): PdfName {
    const start = ++this.position;
    let hasEscape = false;
    for (
      let code = this.bytes[this.position];
      code !== undefined && KIND[code] === 0;
      code = this.bytes[++this.position]
    )
      // prettier-ignore
      if (code === 0x23) hasEscape = true;
    const written = latin1(this.bytes, start, this.position);
    let name = this.#names.get(written);
    if (!name) {
      const text = hasEscape ? written.replace(/#([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) : written; // prettier-ignore
      this.#names.set(written, (name = new PdfName(text)));
    }
    return name;
  }

  #word(): PdfValue | PdfKeyword {
    const { bytes } = this;
    const start = this.position;
    const number = this.#number();
    if (number !== undefined) return number;
    this.position = start;
    for (let code = bytes[start]; code !== undefined && KIND[code] === 0; code = bytes[this.position]) this.position++;
    const text = latin1(bytes, start, this.position);
    if (text === 'true') return true;
    if (text === 'false') return false;
    if (text === 'null') return null;
    let keyword = this.#keywords.get(text);
    if (!keyword) this.#keywords.set(text, (keyword = new PdfKeyword(text)));
    return keyword;
  }

  /** Undefined, and anywhere, if there is none. */
  #number(): number | undefined {
    const { bytes } = this;
    let code = bytes[this.position];
    const isNegative = code === 0x2d;
    if (isNegative || code === 0x2b) code = bytes[++this.position];
    let value = 0;
    let digits = 0;
    for (; code !== undefined && code >= 0x30 && code <= 0x39; code = bytes[++this.position]) {
      value = value * 10 + code - 0x30;
      digits++;
    }
    if (code === 0x2e) {
      let scale = 1;
      code = bytes[++this.position];
      for (; code !== undefined && code >= 0x30 && code <= 0x39; code = bytes[++this.position]) {
        scale /= 10;
        value += (code - 0x30) * scale;
        digits++;
      }
    }
    if (digits === 0 || (code !== undefined && KIND[code] === 0)) return undefined;
    return isNegative ? -value : value;
  }

  #literalString(): Uint8Array {
    const { bytes } = this;
    const result: number[] = [];
    let depth = 1;
    for (this.position++; this.position < bytes.length; this.position++) {
      const code = bytes[this.position] ?? 0;
      if (code === 0x5c) {
        this.#escape(result);
        continue;
      }
      if (code === 0x28) depth++;
      if (code === 0x29 && --depth === 0) break;
      result.push(code);
    }
    this.position++;
    return Uint8Array.from(result);
  }

  /** At a backslash; ends at the last byte of the escape. */
  #escape(result: number[]): void {
    const { bytes } = this;
    const code = bytes[++this.position] ?? 0;
    const isOctal = (digit: number | undefined) => digit !== undefined && digit >= 0x30 && digit <= 0x37;
    if (isOctal(code)) {
      let value = code - 0x30;
      for (let more = 0; more < 2 && isOctal(bytes[this.position + 1]); more++)
        value = value * 8 + (bytes[++this.position] ?? 0) - 0x30;
      result.push(value & 0xff);
    } else if (code === 13) {
      if (bytes[this.position + 1] === 10) this.position++;
    } else if (code !== 10) result.push(ESCAPES.get(code) ?? code);
  }

  #hexString(): Uint8Array {
    const { bytes } = this;
    const start = this.position;
    const digits: number[] = [];
    for (this.position++; this.position < bytes.length && bytes[this.position] !== 0x3e; this.position++) {
      const code = bytes[this.position] ?? 0;
      const digit = HEX[code] ?? -1;
      if (digit >= 0) digits.push(digit);
      else if (KIND[code] !== 1) this.#notes.onHexString?.('no digit', start);
    }
    this.position++;
    if (digits.length % 2 === 1) this.#notes.onHexString?.('odd', start);
    const result = new Uint8Array(Math.ceil(digits.length / 2));
    for (let index = 0; index < result.length; index++)
      result[index] = (digits[2 * index] ?? 0) * 16 + (digits[2 * index + 1] ?? 0);
    return result;
  }

  #array(depth: number): PdfValue {
    this.position++;
    const values: PdfValue[] = [];
    for (;;) {
      const value = this.next(depth + 1);
      if (value === undefined || value === CLOSE_ARRAY) break;
      if (value instanceof PdfKeyword) {
        if (value.text === 'R') takeReference(values);
      } else values.push(value);
    }
    return depth > MAX_DEPTH ? null : values;
  }

  #dictionary(depth: number): PdfValue {
    this.position += 2;
    const values: PdfValue[] = [];
    for (;;) {
      const value = this.next(depth + 1);
      if (value === undefined || value === CLOSE_DICTIONARY) break;
      if (value instanceof PdfKeyword) {
        if (value.text === 'R') takeReference(values);
        if (value.text === 'endobj' || value.text === 'stream') break; // it was never closed
      } else values.push(value);
    }
    return depth > MAX_DEPTH ? null : new PdfDictionary(toEntries(values), this.#resolve);
  }
}

const isEnd = (code: number | undefined) => code === undefined || code === 10 || code === 13;

function takeReference(values: PdfValue[]): void {
  values.pop();
  const number = values.pop();
  if (typeof number === 'number') values.push(new PdfReference(number));
}

function toEntries(values: readonly PdfValue[]): Map<string, PdfValue> {
  const entries = new Map<string, PdfValue>();
  for (let index = 0; index + 1 < values.length; index += 2) {
    const key = values[index];
    if (key instanceof PdfName) entries.set(key.text, values[index + 1] ?? null);
  }
  return entries;
}

/** A short piece as text, one character a byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  if (end - start > 64) return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  for (let index = start; index < end; index++) text += String.fromCharCode(bytes[index] ?? 0);
  return text;
}
