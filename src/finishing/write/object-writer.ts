import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { PdfArray, type PdfDict, PdfName, PdfNumber, PdfRef, PdfStream, PdfString } from '../libpdf.ts';
import { ByteSink } from './byte-sink.ts';
import { ObjectTable } from './object-table.ts';
import type { Numbered } from './reachable.ts';

/** Objects in one object stream: readers unpack it as a whole. */
const OBJECTS_PER_STREAM = 200;
/** Bytes of a stream that is worth compressing. */
const WORTH_COMPRESSING = 100;

interface ObjectWriterOptions {
  version: string;
  /** whether objects that are no streams are compressed too, for readers of PDF 1.5 */
  objectStreams: boolean;
  /** whether it is for readers of PDF 1.4, which know neither object streams nor a table that is a stream */
  isOld?: boolean;
  /** a number that no object has or will have */
  nextNumber: () => number;
}

/** Writes a PDF while its objects come. Each may be written once. */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;
  readonly #sink = new ByteSink();
  readonly #table = new ObjectTable();
  /** of what was written */
  readonly #hash = createHash('sha256');

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
    const version = options.version > '1.5' ? options.version : '1.5';
    this.#sink.writeAscii(`%PDF-${options.isOld ? '1.4' : version}\n`);
    this.#sink.writeBytes(Uint8Array.of(0x25, 0xe2, 0xe3, 0xcf, 0xd3, 0x0a));
  }

  add(objects: readonly Numbered[]): void {
    const { isOld, nextNumber } = this.#options;
    const objectStreams = this.#options.objectStreams && !isOld;
    const packed: Numbered[] = [];
    for (const each of objects)
      if (objectStreams && !(each.object instanceof PdfStream) && each.ref.generation === 0) packed.push(each);
      else this.#put(each);
    for (let at = 0; at < packed.length; at += OBJECTS_PER_STREAM) {
      const some = packed.slice(at, at + OBJECTS_PER_STREAM);
      const number = nextNumber();
      for (const [index, { ref }] of some.entries()) this.#table.set(ref.objectNumber, { stream: number, index });
      this.#put({ ref: PdfRef.of(number, 0), object: objectStream(some) });
    }
  }

  /** The bytes that were written since it was called before. */
  take(): Uint8Array {
    const taken = this.#sink.take();
    this.#hash.update(taken);
    return taken;
  }

  /** The rest of the bytes. */
  finish(trailer: PdfDict): Uint8Array {
    const before = this.take();
    const startsAt = this.#sink.position;
    if (this.#options.isOld) this.#writeTable(trailer);
    else this.#putTable(trailer);
    this.#sink.writeAscii(`startxref\n${startsAt}\n%%EOF\n`);
    return Buffer.concat([before, this.#sink.take()]);
  }

  #writeTable(trailer: PdfDict): void {
    const { table, trailer: own } = this.#table.toText(trailer, this.#id(trailer));
    this.#sink.writeAscii(`${table}trailer\n`);
    own.toBytes(this.#sink.asWriter);
    this.#sink.writeAscii('\n');
  }

  #putTable(trailer: PdfDict): void {
    const ref = PdfRef.of(this.#options.nextNumber(), 0);
    this.#table.set(ref.objectNumber, { offset: this.#sink.position, generation: 0 });
    this.#put({ ref, object: this.#table.toStream(trailer, this.#id(trailer)) });
  }

  #put({ ref, object }: Numbered): void {
    this.#table.set(ref.objectNumber, { offset: this.#sink.position, generation: ref.generation });
    this.#sink.writeAscii(`${ref.objectNumber} ${ref.generation} obj\n`);
    (object instanceof PdfStream ? compressed(object) : object).toBytes(this.#sink.asWriter);
    this.#sink.writeAscii('\nendobj\n');
  }

  /** The first part stays with a file, the second is that of its content. */
  #id(trailer: PdfDict): PdfArray {
    const second = PdfString.fromBytes(this.#hash.digest().subarray(0, 16));
    const before = trailer.getArray('ID')?.at(0);
    return new PdfArray([before instanceof PdfString && before.bytes.length > 0 ? before : second, second]);
  }
}

function compressed(stream: PdfStream): PdfStream {
  const isMetadata = stream.getName('Type')?.value === 'Metadata';
  if (isMetadata) return stream.has('Filter') ? withData(stream, stream.getDecodedData()) : stream;
  if (stream.has('Filter') || stream.data.length < WORTH_COMPRESSING) return stream;
  const data = deflateSync(stream.data);
  if (data.length >= stream.data.length) return stream;
  const smaller = withData(stream, data);
  smaller.set('Filter', PdfName.of('FlateDecode'));
  return smaller;
}

function withData(stream: PdfStream, data: Uint8Array): PdfStream {
  const copy = new PdfStream(stream, data);
  for (const key of ['Filter', 'DecodeParms']) copy.delete(key);
  return copy;
}

function objectStream(objects: readonly Numbered[]): PdfStream {
  const body = new ByteSink();
  const head = objects.map(({ ref, object }) => {
    const at = body.position;
    object.toBytes(body.asWriter);
    body.writeAscii('\n');
    return `${ref.objectNumber} ${at}`;
  });
  const first = `${head.join(' ')}\n`;
  return PdfStream.fromDict(
    { Type: PdfName.of('ObjStm'), N: PdfNumber.of(objects.length), First: PdfNumber.of(first.length) },
    Buffer.concat([Buffer.from(first), body.take()]),
  );
}
