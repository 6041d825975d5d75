import type { Findings } from './findings.ts';
import { isSpace, latin1, PdfKeyword, PdfLexer } from './pdf-lexer.ts';
import { PdfDictionary, PdfName, PdfReference, type PdfValue } from './pdf-value.ts';

// The rules about how a file is written are checked on the bytes as they came: qpdf repairs what they forbid. The file
// is read once from its beginning to its end.

const LF = 10;
const CR = 13;
const MAX_OBJECT_NUMBER = 8_388_607;
const FILTERS = new Set(['ASCIIHexDecode', 'ASCII85Decode', 'FlateDecode', 'RunLengthDecode', 'CCITTFaxDecode', 'JBIG2Decode', 'DCTDecode', 'JPXDecode', 'Crypt']); // prettier-ignore
/** Those of them that PDF 1.4 does not know. */
const NEWER_FILTERS = new Set(['JPXDecode', 'Crypt']);

export function checkFile(bytes: Uint8Array, findings: Findings): void {
  checkHeader(bytes, findings);
  new FileScan(bytes, findings).run();
}

function checkHeader(bytes: Uint8Array, findings: Findings): void {
  const isEndOfLine = (code: number | undefined) => code === LF || code === CR;
  if (!/^%PDF-1\.[0-7]$/.test(latin1(bytes, 0, 8)) || !isEndOfLine(bytes[8]))
    findings.report('6.1.2-1', 'the file does not begin with a line such as %PDF-1.7');
  const line = bytes[8] === CR && bytes[9] === LF ? 10 : 9;
  const isBinary = [1, 2, 3, 4].every((index) => (bytes[line + index] ?? 0) > 127);
  if (bytes[line] !== 0x25 || !isBinary)
    findings.report('6.1.2-2', 'the second line is not a comment with four bytes above 127');
}

/** Where the length of a stream is kept in another object, it is compared after that object has been read. */
interface OpenLength {
  object: number;
  reference: number;
  length: number;
}

class FileScan {
  readonly #bytes: Uint8Array;
  readonly #findings: Findings;
  readonly #lexer: PdfLexer;
  readonly #numbers = new Map<number, number>();
  readonly #openLengths: OpenLength[] = [];
  readonly #trailers: PdfDictionary[] = [];
  #end: number | undefined;

  constructor(bytes: Uint8Array, findings: Findings) {
    this.#bytes = bytes;
    this.#findings = findings;
    const onHexString = (what: 'odd' | 'no digit') => {
      if (what === 'odd') findings.report('6.1.6-1', 'a hexadecimal string has an odd number of digits');
      else findings.report('6.1.6-2', 'a hexadecimal string has a character that is no digit');
    };
    this.#lexer = new PdfLexer(bytes, { notes: { onHexString } });
  }

  run(): void {
    const lexer = this.#lexer;
    /** the two tokens before this one, with where they begin and end */
    const before: { value: PdfValue | PdfKeyword; start: number; end: number }[] = [];
    for (;;) {
      this.#skipSpace();
      const start = lexer.position;
      const value = lexer.next();
      if (value === undefined) break;
      if (value instanceof PdfKeyword && value.text === 'obj' && before.length === 2) {
        const [number, generation] = before as [(typeof before)[0], (typeof before)[0]];
        if (typeof number.value === 'number' && typeof generation.value === 'number')
          this.#object(number.value, { number, generation, word: { start, end: lexer.position } });
        before.length = 0;
      } else if (value instanceof PdfKeyword && value.text === 'xref') this.#table(start);
      else if (value instanceof PdfKeyword && value.text === 'trailer') {
        const trailer = lexer.next();
        if (trailer instanceof PdfDictionary) this.#trailers.push(trailer);
      }
      before.push({ value, start, end: lexer.position });
      if (before.length > 2) before.shift();
    }
    this.#finish();
  }

  /** As the lexer does, but notices the mark of the end. */
  #skipSpace(): void {
    const bytes = this.#bytes;
    for (;;) {
      while (isSpace(bytes[this.#lexer.position])) this.#lexer.position++;
      if (bytes[this.#lexer.position] !== 0x25) return;
      const start = this.#lexer.position;
      while (this.#lexer.position < bytes.length && !isLineEnd(bytes[this.#lexer.position])) this.#lexer.position++;
      if (latin1(bytes, start, start + 5) === '%%EOF') this.#end = start + 5;
    }
  }

  #object(
    number: number,
    at: { number: { start: number; end: number }; generation: { start: number; end: number }; word: { start: number; end: number } }, // prettier-ignore
  ): void {
    const bytes = this.#bytes;
    const lexer = this.#lexer;
    const value = lexer.next();
    if (typeof value === 'number') this.#numbers.set(number, value);
    if (value instanceof PdfDictionary && value.name('Type') === 'XRef') {
      this.#trailers.push(value);
      this.#findings.report('A1 6.1.4-3', 'the cross-reference table is a stream');
    }
    lexer.skipSpace();
    const afterValue = lexer.position;
    let word = value instanceof PdfKeyword ? value : lexer.next();
    let wordStart = afterValue;
    if (value instanceof PdfDictionary && word instanceof PdfKeyword && word.text === 'stream') {
      this.#stream(number, value);
      lexer.skipSpace();
      wordStart = lexer.position;
      word = lexer.next();
    }
    const isEnd = word instanceof PdfKeyword && word.text === 'endobj';
    const singleSpace = (end: number, start: number) => start - end === 1 && isSpace(bytes[end]);
    const isRight =
      (at.number.start === 0 || isLineEnd(bytes[at.number.start - 1])) &&
      singleSpace(at.number.end, at.generation.start) &&
      singleSpace(at.generation.end, at.word.start) &&
      isLineEnd(bytes[at.word.end]) &&
      isEnd &&
      isLineEnd(bytes[wordStart - 1]) &&
      isLineEnd(bytes[lexer.position]);
    if (!isRight)
      this.#findings.report('6.1.9-1', `object ${number} does not begin and end on lines of its own, with single spaces in between`); // prettier-ignore
    if (number > MAX_OBJECT_NUMBER)
      this.#findings.report('6.1.13-7', `there are more than ${MAX_OBJECT_NUMBER} objects`);
  }

  /** After the word `stream`; ends after `endstream`. */
  #stream(number: number, dictionary: PdfDictionary): void {
    const bytes = this.#bytes;
    const lexer = this.#lexer;
    const word = lexer.position;
    const isCrLf = bytes[word] === CR && bytes[word + 1] === LF;
    if (!isCrLf && bytes[word] !== LF)
      this.#findings.report('6.1.7.1-2', `the word stream of object ${number} is not followed by a line feed`);
    const start = word + (isCrLf ? 2 : 1);
    const said = dictionary.entries.get('Length');
    const isThere = (position: number) => {
      const next = position + (bytes[position] === CR ? (bytes[position + 1] === LF ? 2 : 1) : bytes[position] === LF ? 1 : 0);
      return latin1(bytes, next, next + 9) === 'endstream';
    }; // prettier-ignore
    const isKnown = typeof said === 'number' && said >= 0 && isThere(start + said);
    const found = isKnown ? start + said : this.#search(start, said);
    const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('endstream', found);
    if (end < 0) {
      lexer.position = bytes.length;
      return;
    }
    if (!isLineEnd(bytes[end - 1]))
      this.#findings.report('6.1.7.1-3', `the word endstream of object ${number} has no end of line before it`);
    const length = found - start;
    if (said instanceof PdfReference) this.#openLengths.push({ object: number, reference: said.number, length });
    else if (!isKnown) this.#findings.report('6.1.7.1-1', `the length of the stream of object ${number} is not what its dictionary says`); // prettier-ignore
    for (const key of ['F', 'FFilter', 'FDecodeParms'])
      if (dictionary.entries.has(key))
        this.#findings.report('6.1.7.1-4', `the stream of object ${number} is in another file (${key})`);
    for (const filter of dictionary.all('Filter'))
      if (filter instanceof PdfName && !FILTERS.has(filter.text))
        this.#findings.report('6.1.7.2-1', `the stream of object ${number} has the filter ${filter.text}`);
      else if (filter instanceof PdfName && NEWER_FILTERS.has(filter.text))
        this.#findings.report('A1 6.1.10-1', `the stream of object ${number} has the filter ${filter.text}`);
    // qpdf takes these filters away
    const isEncrypted = dictionary.all('Filter').some((filter) => filter instanceof PdfName && filter.text === 'Crypt') && dictionary.all('DecodeParms').some((each) => each instanceof PdfDictionary && (each.name('Name') ?? 'Identity') !== 'Identity'); // prettier-ignore
    if (isEncrypted) this.#findings.report('6.1.7.2-2', `the stream of object ${number} is encrypted`);
    lexer.position = end + 9;
  }

  /** Where a stream ends whose length is not known here: before the end of line before `endstream`. */
  #search(start: number, said: PdfValue | undefined): number {
    const bytes = this.#bytes;
    const known = said instanceof PdfReference ? this.#numbers.get(said.number) : undefined;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (known !== undefined && known >= 0 && buffer.indexOf('endstream', start + known) - (start + known) in [0, 1, 2])
      return start + known;
    const end = buffer.indexOf('endstream', start);
    if (end < 0) return bytes.length;
    if (bytes[end - 1] === LF) return bytes[end - 2] === CR ? end - 2 : end - 1;
    return bytes[end - 1] === CR ? end - 1 : end;
  }

  /** After the word `xref`. */
  #table(start: number): void {
    const bytes = this.#bytes;
    let position = start + 4;
    const lineEnd = bytes[position] === CR && bytes[position + 1] === LF ? 2 : isLineEnd(bytes[position]) ? 1 : 0;
    position += lineEnd;
    if (lineEnd === 0 || !isDigit(bytes[position]))
      this.#findings.report('6.1.4-2', 'the word xref is not followed by one end of line and a section');
    const lexer = this.#lexer;
    for (;;) {
      this.#lexer.skipSpace();
      const at = lexer.position;
      if (!isDigit(bytes[at])) return;
      const first = lexer.next();
      const afterFirst = lexer.position;
      const count = lexer.next();
      if (typeof first !== 'number' || typeof count !== 'number') return;
      const isSingle = bytes[afterFirst] === 0x20 && isDigit(bytes[afterFirst + 1]);
      if (!isSingle) this.#findings.report('6.1.4-1', 'a section of the cross-reference table has not one space between its numbers'); // prettier-ignore
      for (let entry = 0; entry < count; entry++) {
        lexer.next();
        lexer.next();
        if (!(lexer.next() instanceof PdfKeyword)) return;
      }
    }
  }

  #finish(): void {
    const findings = this.#findings;
    for (const { object, reference, length } of this.#openLengths)
      if (this.#numbers.has(reference) && this.#numbers.get(reference) !== length)
        findings.report('6.1.7.1-1', `the length of the stream of object ${object} is not ${this.#numbers.get(reference)}`); // prettier-ignore
    // Only of a linearized file both count; else those before the last are of earlier versions.
    const isLinearized = latin1(this.#bytes, 0, Math.min(1_024, this.#bytes.length)).includes('/Linearized');
    const trailers = isLinearized ? this.#trailers : this.#trailers.slice(-1);
    const hasId = trailers.every((trailer) => trailer.entries.has('ID'));
    if (!hasId) findings.report('6.1.3-1', 'the trailer has no ID');
    if (isLinearized && new Set(trailers.map(idOf)).size > 1)
      findings.report('A1 6.1.3-4', 'the trailers of the linearized file have different IDs');
    if (this.#trailers.some((trailer) => trailer.entries.has('Encrypt')))
      findings.report('6.1.3-2', 'the file is encrypted');
    const end = this.#end;
    if (end === undefined) {
      findings.report('6.1.3-3', 'the file does not end with %%EOF');
      return;
    }
    const rest = latin1(this.#bytes, end, this.#bytes.length);
    if (!['', '\n', '\r', '\r\n'].includes(rest)) findings.report('6.1.3-3', 'something follows the last %%EOF');
  }
}

const idOf = (trailer: PdfDictionary) =>
  trailer.all('ID').map((part) => (part instanceof Uint8Array ? Buffer.from(part).toString('hex') : '')).join(' '); // prettier-ignore
const isLineEnd = (code: number | undefined) => code === LF || code === CR;
const isDigit = (code: number | undefined) => code !== undefined && code >= 0x30 && code <= 0x39;
