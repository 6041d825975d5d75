/** What a PDF is made of, after parsing. Numbers, booleans and arrays are JavaScript's, strings are bytes. */
export type PdfValue = null | boolean | number | Uint8Array | PdfName | PdfReference | PdfDictionary | PdfValue[];

export class PdfName {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class PdfReference {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

/** Finds what a reference refers to; null if there is nothing. */
export type Resolve = (value: PdfValue | undefined) => PdfValue;

/** A dictionary. Its getters follow references and return undefined for what is of another kind. */
export class PdfDictionary {
  readonly entries: ReadonlyMap<string, PdfValue>;
  readonly resolve: Resolve;

  constructor(entries: ReadonlyMap<string, PdfValue>, resolve: Resolve) {
    this.entries = entries;
    this.resolve = resolve;
  }

  has(key: string): boolean {
    return this.get(key) !== null;
  }

  get(key: string): PdfValue {
    return this.resolve(this.entries.get(key));
  }

  name(key: string): string | undefined {
    const value = this.get(key);
    return value instanceof PdfName ? value.text : undefined;
  }

  number(key: string): number | undefined {
    const value = this.get(key);
    return typeof value === 'number' ? value : undefined;
  }

  bytes(key: string): Uint8Array | undefined {
    const value = this.get(key);
    return value instanceof Uint8Array ? value : undefined;
  }

  /** A text string, decoded. */
  text(key: string): string | undefined {
    const bytes = this.bytes(key);
    return bytes && decodeText(bytes);
  }

  dictionary(key: string): PdfDictionary | undefined {
    const value = this.get(key);
    return value instanceof PdfDictionary ? value : undefined;
  }

  stream(key: string): PdfStream | undefined {
    const value = this.get(key);
    return value instanceof PdfStream ? value : undefined;
  }

  /** The elements of an array. */
  list(key: string): PdfValue[] | undefined {
    const value = this.get(key);
    return Array.isArray(value) ? value.map((each) => this.resolve(each)) : undefined;
  }

  /** The elements of an array, or the one thing that is there instead of it. */
  all(key: string): PdfValue[] {
    const value = this.get(key);
    return value === null ? [] : (this.list(key) ?? [value]);
  }

  /** The values that are dictionaries, by their keys. */
  *dictionaries(): Iterable<[string, PdfDictionary]> {
    for (const key of this.entries.keys()) {
      const value = this.dictionary(key);
      if (value) yield [key, value];
    }
  }
}

export class PdfStream extends PdfDictionary {
  /** as they are in the file */
  readonly data: Uint8Array;

  constructor(entries: ReadonlyMap<string, PdfValue>, resolve: Resolve, data: Uint8Array) {
    super(entries, resolve);
    this.data = data;
  }

  get filters(): string[] {
    return this.all('Filter').map((filter) => (filter instanceof PdfName ? filter.text : ''));
  }
}

export const isDictionary = (value: PdfValue): value is PdfDictionary => value instanceof PdfDictionary;
export const isNumber = (value: PdfValue): value is number => typeof value === 'number';

/** Characters of PDFDocEncoding that are not those of Latin 1: from 0x18, from 0x80, and 0xA0. */
const OWN = { 0x18: '˘ˇˆ˙˝˛˚˜', 0x80: '•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž', 0xa0: '€' };

function ownCharacter(character: string): string {
  const code = character.charCodeAt(0);
  for (const [first, text] of Object.entries(OWN)) {
    const found = text.charAt(code - Number(first));
    if (found !== '') return found;
  }
  return character;
}

/** UTF-16 or UTF-8 with their marks; else PDFDocEncoding. */
export function decodeText(bytes: Uint8Array): string {
  const [first, second, third] = bytes;
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes.subarray(2));
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes.subarray(2));
  if (first === 0xef && second === 0xbb && third === 0xbf) return new TextDecoder().decode(bytes.subarray(3));
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  // oxlint-disable-next-line no-control-regex -- eight of them are accents
  return text.replace(/[\u0018-\u001f\u0080-\u00a0]/g, ownCharacter);
}
