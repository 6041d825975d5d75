import { crc32 } from 'node:zlib';

/** A file as it goes into a zip. */
export interface ZippedFile {
  /** its path in the zip; another one for each file */
  name: string;
  /** bytes, exactly those that are read */
  size: number;
  read: () => AsyncIterable<Uint8Array>;
}

const LOCAL_BYTES = 30;
const DESCRIPTOR_BYTES = 16;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
/** The checksum comes after the bytes, and names are UTF-8. */
const FLAGS = 0x0808;
const VERSION = 20;
/** The mode of a file, as Unix has it: rw-r--r--. */
const MODE = 0o100_644;
const MADE_ON_UNIX = 3 << 8;
/** Larger ones need fields that not every reader knows. */
export const MAX_ZIP_BYTES = 0xffff_fffe;

/** Bytes of the zip, known before any file is read. */
export function zipSize(files: readonly Pick<ZippedFile, 'name' | 'size'>[]): number {
  const headers = LOCAL_BYTES + DESCRIPTOR_BYTES + CENTRAL_BYTES;
  return files.reduce((sum, { name, size }) => sum + headers + 2 * Buffer.byteLength(name) + size, END_BYTES);
}

/**
 * A zip, piece by piece, of up to 65,535 files and {@link MAX_ZIP_BYTES}. Files are stored, since PDFs and pictures are
 * compressed already. The first piece comes when the first file can be read.
 * @param at the time of every file
 */
export async function* zipStream(files: readonly ZippedFile[], at: Date): AsyncGenerator<Uint8Array, void> {
  const entries: Buffer[] = [];
  let offset = 0;
  for (const { name, size, read } of files) {
    const about = { name: Buffer.from(name), at, size, offset };
    let head: Buffer | undefined = localHeader(about);
    offset += head.length + size + DESCRIPTOR_BYTES;
    let sum = 0;
    for await (const piece of read()) {
      if (head) yield head;
      head = undefined;
      sum = crc32(piece, sum);
      yield piece;
    }
    if (head) yield head;
    yield descriptor(sum, size);
    entries.push(centralHeader(about, sum));
  }
  const central = Buffer.concat(entries);
  yield central;
  yield end(files.length, central.length, offset);
}

interface Entry {
  name: Buffer;
  at: Date;
  size: number;
  /** of its local header */
  offset: number;
}

function localHeader({ name, at }: Entry): Buffer {
  const header = Buffer.alloc(LOCAL_BYTES);
  header.writeUInt32LE(0x0403_4b50, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt32LE(dosTime(at), 10);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function descriptor(sum: number, size: number): Buffer {
  const bytes = Buffer.alloc(DESCRIPTOR_BYTES);
  bytes.writeUInt32LE(0x0807_4b50, 0);
  bytes.writeUInt32LE(sum, 4);
  bytes.writeUInt32LE(size, 8);
  bytes.writeUInt32LE(size, 12);
  return bytes;
}

function centralHeader({ name, at, size, offset }: Entry, sum: number): Buffer {
  const header = Buffer.alloc(CENTRAL_BYTES);
  header.writeUInt32LE(0x0201_4b50, 0);
  header.writeUInt16LE(MADE_ON_UNIX + VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt32LE(dosTime(at), 12);
  header.writeUInt32LE(sum, 16);
  header.writeUInt32LE(size, 20);
  header.writeUInt32LE(size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(MODE * 0x1_0000, 38);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, name]);
}

function end(count: number, size: number, offset: number): Buffer {
  const bytes = Buffer.alloc(END_BYTES);
  bytes.writeUInt32LE(0x0605_4b50, 0);
  bytes.writeUInt16LE(count, 8);
  bytes.writeUInt16LE(count, 10);
  bytes.writeUInt32LE(size, 12);
  bytes.writeUInt32LE(offset, 16);
  return bytes;
}

/** In UTC, to two seconds; zips know no time before 1980. */
function dosTime(at: Date): number {
  const year = Math.min(Math.max(at.getUTCFullYear() - 1980, 0), 127);
  const date = (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return date * 0x1_0000 + time;
}
