import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { PDF, PdfArray, PdfDict, PdfName, PdfNumber, type PdfObject, PdfRef, PdfStream, PdfString } from '../libpdf.ts';
import { ByteSink } from './byte-sink.ts';

/** Objects in one object stream: readers unpack it as a whole. */
const OBJECTS_PER_STREAM = 200;
/** Bytes of a stream that is worth compressing. */
const WORTH_COMPRESSING = 100;

interface Numbered {
  ref: PdfRef;
  object: PdfObject;
}

/** Where an object is: at an offset, or in an object stream, at an index. */
type Place = { offset: number; generation: number } | { stream: number; index: number };

/**
 * Writes a PDF anew: what can be reached from its catalog and its Info, streams compressed, metadata (XMP) as plain
 * text, with /ID. The same PDF gives the same bytes. qpdf does the same, but starting it takes longer than this.
 * @param objectStreams whether the other objects are compressed too, for readers of PDF 1.5; the table of objects is a
 *   stream in either case
 */
export async function writeObjects(document: PDF, { objectStreams }: { objectStreams: boolean }): Promise<Uint8Array> {
  if (document.fonts.hasEmbeddedFonts) document = await PDF.load(await document.save()); // only that writes them
  const { registry, info } = document.context;
  const { trailer } = info;
  const objects = reachable(trailer, (ref) => registry.resolve(ref));
  const places = new Map<number, Place>();
  const sink = new ByteSink();
  let next = objects.reduce((most, { ref }) => Math.max(most, ref.objectNumber), 0) + 1;
  const put = ({ ref, object }: Numbered) => {
    places.set(ref.objectNumber, { offset: sink.position, generation: ref.generation });
    sink.writeAscii(`${ref.objectNumber} ${ref.generation} obj\n`);
    (object instanceof PdfStream ? compressed(object) : object).toBytes(sink.asWriter);
    sink.writeAscii('\nendobj\n');
  };

  sink.writeAscii(`%PDF-${info.version > '1.5' ? info.version : '1.5'}\n`);
  sink.writeBytes(Uint8Array.of(0x25, 0xe2, 0xe3, 0xcf, 0xd3, 0x0a));
  const packed: Numbered[] = [];
  for (const each of objects)
    if (objectStreams && !(each.object instanceof PdfStream) && each.ref.generation === 0) packed.push(each);
    else put(each);
  for (let at = 0; at < packed.length; at += OBJECTS_PER_STREAM) {
    const some = packed.slice(at, at + OBJECTS_PER_STREAM);
    const number = next++;
    for (const [index, { ref }] of some.entries()) places.set(ref.objectNumber, { stream: number, index });
    put({ ref: PdfRef.of(number, 0), object: objectStream(some) });
  }

  const startsAt = sink.position;
  const table = PdfRef.of(next, 0);
  places.set(next, { offset: startsAt, generation: 0 });
  put({ ref: table, object: tableOf(places, trailer, idOf(trailer, sink)) });
  sink.writeAscii(`startxref\n${startsAt}\n%%EOF\n`);
  return sink.toBytes();
}

/** What the trailer leads to, in the order in which it does. /Length is left out: streams are written with their own. */
function reachable(trailer: PdfDict, resolve: (ref: PdfRef) => PdfObject | null): Numbered[] {
  const found = new Map<number, Numbered>();
  const open: PdfObject[] = [];
  for (const key of ['Info', 'Root']) {
    const value = trailer.get(key);
    if (value) open.push(value);
  }
  for (let value = open.pop(); value; value = open.pop()) {
    if (value instanceof PdfRef) {
      if (found.has(value.objectNumber)) continue;
      const object = resolve(value);
      if (!object) continue; // as good as null
      found.set(value.objectNumber, { ref: value, object });
      open.push(object);
    } else if (value instanceof PdfDict) {
      for (const [key, entry] of value) if (!(value instanceof PdfStream && key.value === 'Length')) open.push(entry);
    } else if (value instanceof PdfArray) {
      for (let at = value.length - 1; at >= 0; at--) {
        const item = value.at(at);
        if (item) open.push(item);
      }
    }
  }
  return [...found.values()];
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
    Buffer.concat([Buffer.from(first), body.toBytes()]),
  );
}

/** The cross-reference stream: kind, offset or stream, generation or index. */
function tableOf(places: ReadonlyMap<number, Place>, trailer: PdfDict, id: PdfArray): PdfStream {
  const numbers = [...places.keys()].toSorted((a, b) => a - b);
  const rows = Buffer.alloc((numbers.length + 1) * 7);
  rows.writeUInt16BE(0xffff, 5); // object 0 is free, always
  const index = [0, 1];
  for (const [at, number] of numbers.entries()) {
    const place = places.get(number) as Place;
    const isPacked = 'stream' in place;
    const row = (at + 1) * 7;
    rows.writeUInt8(isPacked ? 2 : 1, row);
    rows.writeUInt32BE(isPacked ? place.stream : place.offset, row + 1);
    rows.writeUInt16BE(isPacked ? place.index : place.generation, row + 5);
    const [start = 0, length = 0] = index.slice(-2);
    if (start + length === number) index[index.length - 1] = length + 1;
    else index.push(number, 1);
  }
  const entries: Record<string, PdfObject> = {
    Type: PdfName.of('XRef'),
    Size: PdfNumber.of((numbers.at(-1) ?? 0) + 1),
    W: new PdfArray([1, 4, 2].map((width) => PdfNumber.of(width))),
    Index: new PdfArray(index.map((number) => PdfNumber.of(number))),
    ID: id,
  };
  for (const key of ['Root', 'Info']) {
    const value = trailer.get(key);
    if (value) entries[key] = value;
  }
  return PdfStream.fromDict(entries, rows);
}

/** The first part stays with a file, the second is that of its content. */
function idOf(trailer: PdfDict, written: ByteSink): PdfArray {
  const own = createHash('sha256');
  for (const chunk of written.chunks) own.update(chunk);
  const second = PdfString.fromBytes(own.digest().subarray(0, 16));
  const before = trailer.getArray('ID')?.at(0);
  return new PdfArray([before instanceof PdfString && before.bytes.length > 0 ? before : second, second]);
}
