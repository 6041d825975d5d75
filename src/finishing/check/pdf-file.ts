import { decodeStream } from './decode-stream.ts';
import { PdfKeyword, PdfLexer } from './pdf-lexer.ts';
import { PdfDictionary, PdfReference, PdfStream, type PdfValue } from './pdf-value.ts';

/** Pages that are looked at, at most. */
const MAX_PAGES = 100_000;
/** References to references. */
const MAX_STEPS = 32;

/** A PDF as qpdf writes it without object streams: one table of references, the streams as they were. */
export class PdfFile {
  readonly trailer: PdfDictionary;
  readonly catalog: PdfDictionary;
  readonly pages: readonly PdfDictionary[];
  readonly #bytes: Uint8Array;
  readonly #offsets: ReadonlyMap<number, number>;
  readonly #objects = new Map<number, PdfValue>();
  readonly #contents = new WeakMap<PdfStream, Uint8Array>();

  /** @throws Error if it is not as qpdf writes */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const { offsets, trailer } = this.#readTable();
    this.#offsets = offsets;
    this.trailer = trailer;
    this.catalog = trailer.dictionary('Root') ?? new PdfDictionary(new Map(), this.resolve);
    this.pages = this.#findPages();
  }

  /** Every object that something refers to. */
  *objects(): Iterable<[number, PdfValue]> {
    for (const number of this.#offsets.keys()) yield [number, this.resolve(new PdfReference(number))];
  }

  resolve = (value: PdfValue | undefined): PdfValue => {
    let found = value ?? null;
    for (let steps = 0; found instanceof PdfReference; steps++) {
      if (steps > MAX_STEPS) return null;
      found = this.#object(found.number);
    }
    return found;
  };

  /** The content of a stream; empty if it cannot be read. */
  content(stream: PdfStream): Uint8Array {
    let content = this.#contents.get(stream);
    if (!content) this.#contents.set(stream, (content = decodeStream(stream) ?? new Uint8Array()));
    return content;
  }

  #object(number: number): PdfValue {
    const known = this.#objects.get(number);
    if (known !== undefined) return known;
    this.#objects.set(number, null); // of a cycle
    const value = this.#readObject(number);
    this.#objects.set(number, value);
    return value;
  }

  #readObject(number: number): PdfValue {
    const position = this.#offsets.get(number);
    if (position === undefined) return null;
    const lexer = new PdfLexer(this.#bytes, { position, resolve: this.resolve });
    for (let words = 0; words < 3; words++) lexer.next(); // 7 0 obj
    const value = lexer.next();
    if (value === undefined || value instanceof PdfKeyword) return null;
    const end = lexer.next();
    if (typeof value === 'number' && typeof end === 'number') return new PdfReference(value);
    if (!(value instanceof PdfDictionary && end instanceof PdfKeyword && end.text === 'stream')) return value;
    const start = lexer.position + (this.#bytes[lexer.position] === 13 ? 2 : 1);
    const length = Math.max(0, value.number('Length') ?? 0);
    return new PdfStream(value.entries, this.resolve, this.#bytes.subarray(start, start + length));
  }

  #readTable(): { offsets: Map<number, number>; trailer: PdfDictionary } {
    const at = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength).lastIndexOf('startxref');
    const position = at < 0 ? undefined : new PdfLexer(this.#bytes, { position: at + 9 }).next();
    if (typeof position !== 'number') throw new Error('the rewritten PDF has no startxref');
    const lexer = new PdfLexer(this.#bytes, { position, resolve: this.resolve });
    const offsets = new Map<number, number>();
    lexer.next(); // xref
    for (;;) {
      const first = lexer.next();
      if (typeof first !== 'number') break;
      const count = lexer.next();
      for (let index = 0; typeof count === 'number' && index < count; index++) {
        const offset = lexer.next();
        lexer.next();
        const kind = lexer.next();
        if (kind === undefined) break;
        if (typeof offset === 'number' && kind instanceof PdfKeyword && kind.text === 'n')
          offsets.set(first + index, offset);
      }
    }
    const trailer = lexer.next();
    if (!(trailer instanceof PdfDictionary)) throw new Error('the rewritten PDF has no trailer');
    return { offsets, trailer };
  }

  #findPages(): PdfDictionary[] {
    const pages: PdfDictionary[] = [];
    const seen = new Set<PdfDictionary>();
    const open: PdfValue[] = [this.catalog.get('Pages')];
    while (open.length > 0 && pages.length < MAX_PAGES) {
      const node = open.pop();
      if (!(node instanceof PdfDictionary) || seen.has(node)) continue;
      seen.add(node);
      const kids = node.list('Kids');
      if (kids) open.push(...kids.toReversed());
      else pages.push(node);
    }
    return pages;
  }
}

/** An entry of a page that it may have from the nodes above it. */
export function inherited(page: PdfDictionary, key: string): PdfValue {
  let node: PdfDictionary | undefined = page;
  for (let level = 0; node && level < 100; level++) {
    if (node.has(key)) return node.get(key);
    node = node.dictionary('Parent');
  }
  return null;
}
