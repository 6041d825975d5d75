import { PdfArray, PdfDict, PdfName, PdfNumber, type PdfObject, PdfStream } from '../libpdf.ts';

/** Where an object is: at an offset, or in an object stream, at an index. */
type Place = { offset: number; generation: number } | { stream: number; index: number };

/** Kind, offset or stream, generation or index. */
const WIDTHS = [1, 4, 2] as const;
const ROW = 7;
const MAX_OFFSET = 2 ** 32 - 1;

/** The cross-reference table while objects are written. There may be millions. */
export class ObjectTable {
  /** a row for each number from 0; of kind 0: there is no such object */
  #rows = Buffer.alloc(ROW * 1_024);
  #numbers = 1;

  set(number: number, place: Place): void {
    this.#grow(number + 1);
    const isPacked = 'stream' in place;
    const where = isPacked ? place.stream : place.offset;
    if (where > MAX_OFFSET) throw new Error('the PDF is too large for its table');
    const row = number * ROW;
    this.#rows.writeUInt8(isPacked ? 2 : 1, row);
    this.#rows.writeUInt32BE(where, row + 1);
    this.#rows.writeUInt16BE(isPacked ? place.index : place.generation, row + 5);
  }

  /** @param trailer its Root and Info */
  toStream(trailer: PdfDict, id: PdfArray): PdfStream {
    const rows = Buffer.alloc(this.#numbers * ROW);
    rows.writeUInt16BE(0xffff, 5); // object 0 is free, always
    const index = [0, 1];
    let count = 1;
    for (let number = 1; number < this.#numbers; number++) {
      if (this.#rows[number * ROW] === 0) continue;
      this.#rows.copy(rows, count * ROW, number * ROW, (number + 1) * ROW);
      count++;
      const [start = 0, length = 0] = index.slice(-2);
      if (start + length === number) index[index.length - 1] = length + 1;
      else index.push(number, 1);
    }
    const entries: Record<string, PdfObject> = {
      Type: PdfName.of('XRef'),
      Size: PdfNumber.of(this.#numbers),
      W: new PdfArray(WIDTHS.map((width) => PdfNumber.of(width))),
      Index: new PdfArray(index.map((number) => PdfNumber.of(number))),
      ID: id,
      ...named(trailer),
    };
    return PdfStream.fromDict(entries, rows.subarray(0, count * ROW));
  }

  /** As text, for readers of PDF 1.4: one section, in which numbers without an object are free. */
  toText(trailer: PdfDict, id: PdfArray): { table: string; trailer: PdfDict } {
    let free = 0;
    const rows: string[] = [];
    for (let number = this.#numbers - 1; number > 0; number--) {
      const row = number * ROW;
      const isUsed = this.#rows[row] === 1;
      const where = isUsed ? this.#rows.readUInt32BE(row + 1) : free;
      rows.push(line(where, isUsed ? this.#rows.readUInt16BE(row + 5) : 0, isUsed ? 'n' : 'f'));
      if (!isUsed) free = number;
    }
    rows.push(line(free, 0xffff, 'f'));
    const entries: Record<string, PdfObject> = { Size: PdfNumber.of(this.#numbers), ID: id, ...named(trailer) };
    return { table: `xref\n0 ${this.#numbers}\n${rows.toReversed().join('')}`, trailer: PdfDict.of(entries) };
  }

  #grow(numbers: number): void {
    this.#numbers = Math.max(this.#numbers, numbers);
    if (this.#rows.length >= this.#numbers * ROW) return;
    const larger = Buffer.alloc(this.#numbers * ROW * 2);
    this.#rows.copy(larger);
    this.#rows = larger;
  }
}

const line = (where: number, generation: number, kind: 'n' | 'f') =>
  `${String(where).padStart(10, '0')} ${String(generation).padStart(5, '0')} ${kind} \n`;

/** What a trailer has of a document. */
function named(trailer: PdfDict): Record<string, PdfObject> {
  const entries: Record<string, PdfObject> = {};
  for (const key of ['Root', 'Info']) {
    const value = trailer.get(key);
    if (value) entries[key] = value;
  }
  return entries;
}
