import { PdfKeyword, PdfLexer } from './pdf-lexer.ts';
import { PdfDictionary, PdfName, type PdfValue } from './pdf-value.ts';

/** A CMap: how strings become codes, and what the codes stand for. */
export interface CodeMap {
  /** codes of a string */
  split(bytes: Uint8Array): number[];
  /** identifier of a character; undefined: it is not in the map */
  identifierOf(code: number): number | undefined;
  largest: number;
  writingMode: number | undefined;
  /** `Adobe-Japan1` */
  collection: string | undefined;
}

interface Range {
  first: number;
  last: number;
  value: number;
}

/** Two bytes each, which are the identifier. */
export const IDENTITY: CodeMap = {
  split: (bytes) => {
    const codes: number[] = [];
    for (let index = 0; index + 1 < bytes.length; index += 2) codes.push((bytes[index] ?? 0) * 256 + (bytes[index + 1] ?? 0)); // prettier-ignore
    return codes;
  },
  identifierOf: (code) => code,
  largest: 0,
  writingMode: undefined,
  collection: undefined,
};

const toNumber = (bytes: PdfValue | undefined) => (bytes instanceof Uint8Array ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : typeof bytes === 'number' ? bytes : 0); // prettier-ignore

/** Reads an embedded CMap. */
export function readCodeMap(content: Uint8Array): CodeMap {
  const ranges: Range[] = [];
  const spaces: { length: number; first: number; last: number }[] = [];
  let writingMode: number | undefined;
  let collection: string | undefined;
  forEachSection(content, (kind, values) => {
    if (kind === 'codespacerange')
      for (let index = 0; index + 1 < values.length; index += 2) {
        const first = values[index];
        if (first instanceof Uint8Array) spaces.push({ length: first.length, first: toNumber(first), last: toNumber(values[index + 1]) }); // prettier-ignore
      }
    if (kind === 'cidrange')
      for (let index = 0; index + 2 < values.length; index += 3)
        ranges.push({ first: toNumber(values[index]), last: toNumber(values[index + 1]), value: toNumber(values[index + 2]) }); // prettier-ignore
    if (kind === 'cidchar')
      for (let index = 0; index + 1 < values.length; index += 2)
        ranges.push({ first: toNumber(values[index]), last: toNumber(values[index]), value: toNumber(values[index + 1]) }); // prettier-ignore
    if (kind === 'WMode') writingMode = toNumber(values[0]);
    if (kind === 'collection') collection = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : '')).join('-'); // prettier-ignore
  });
  const isIn = (length: number, code: number) =>
    spaces.some((space) => space.length === length && code >= space.first && code <= space.last);
  return {
    split(bytes) {
      const codes: number[] = [];
      for (let index = 0; index < bytes.length;) {
        let code = 0;
        let length = 0;
        do code = code * 256 + (bytes[index + length++] ?? 0);
        while (length < 4 && index + length < bytes.length && !isIn(length, code));
        codes.push(code);
        index += length;
      }
      return codes;
    },
    identifierOf: (code) => {
      const range = ranges.find(({ first, last }) => code >= first && code <= last);
      return range && range.value + code - range.first;
    },
    largest: ranges.reduce((most, { first, last, value }) => Math.max(most, value + last - first), 0),
    writingMode,
    collection,
  };
}

/** Texts of one map: ranges may overlap, over and over. */
const MAX_TEXTS = 1_000_000;

/** Reads a ToUnicode CMap: the text of each code. */
export function readUnicodeMap(content: Uint8Array): Map<number, string> {
  const texts = new Map<number, string>();
  let read = 0;
  const utf16 = new TextDecoder('utf-16be', { ignoreBOM: true });
  const decode = (value: PdfValue | undefined) => (value instanceof Uint8Array ? utf16.decode(value) : '');
  const later = (text: string, by: number) => (by === 0 ? text : text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + by)); // prettier-ignore
  forEachSection(content, (kind, values) => {
    if (kind === 'bfchar')
      for (let index = 0; index + 1 < values.length; index += 2) texts.set(toNumber(values[index]), decode(values[index + 1])); // prettier-ignore
    if (kind === 'bfrange')
      for (let index = 0; index + 2 < values.length; index += 3) {
        const [first, last] = [toNumber(values[index]), toNumber(values[index + 1])];
        const target = values[index + 2];
        const text = decode(target); // of a list: none
        for (let code = first; code <= last && read < MAX_TEXTS; code++, read++)
          texts.set(code, Array.isArray(target) ? decode(target[code - first]) : later(text, code - first));
      }
  });
  return texts;
}

function forEachSection(content: Uint8Array, take: (kind: string, values: PdfValue[]) => void): void {
  const lexer = new PdfLexer(content);
  let values: PdfValue[] = [];
  for (let value = lexer.next(); value !== undefined; value = lexer.next()) {
    if (!(value instanceof PdfKeyword)) {
      values.push(value);
      continue;
    }
    const kind = /^end(codespacerange|cidrange|cidchar|bfchar|bfrange)$/.exec(value.text)?.[1];
    if (kind !== undefined) take(kind, values);
    const [key, last] = values.slice(-2);
    if (value.text === 'def' && key instanceof PdfName) {
      if (key.text === 'WMode') take('WMode', [last ?? null]);
      if (key.text === 'CIDSystemInfo' && last instanceof PdfDictionary) take('collection', [last.get('Registry'), last.get('Ordering')]); // prettier-ignore
    }
    values = [];
  }
}
