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
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
/** The end of a zip64, and where it is. */
const LARGE_END_BYTES = 56 + 20;
/** The checksum comes after the bytes, and names are UTF-8. */
const FLAGS = 0x0808;
const VERSION = 20;
/** Of a reader that knows zip64. */
const LARGE_VERSION = 45;
/** The mode of a file, as Unix has it: rw-r--r--. */
const MODE = 0o100_644;
const MADE_ON_UNIX = 3 << 8;
/** What stands where a number is too large: it is in the fields of zip64, which not every reader knows. */
const LARGE = 0xffff_ffff;
const MANY = 0xffff;
/** Entries of the list at the end that are yielded together. */
const ENTRIES = 1_000;

type Measured = Pick<ZippedFile, 'name' | 'size'>;

/** Bytes of the zip, known before any file is read. */
export function zipSize(files: Iterable<Measured>): number {
  let [count, offset, central] = [0, 0, 0];
  for (const { name, size } of files) {
    const length = Buffer.byteLength(name);
    central += CENTRAL_BYTES + length + fieldBytes(centralNumbers({ size, offset }));
    offset += LOCAL_BYTES + length + fieldBytes(localNumbers(size)) + size + descriptorBytes(size);
    count++;
  }
  return offset + central + (isLargeZip({ count, central, offset }) ? LARGE_END_BYTES : 0) + END_BYTES;
}

/**
 * A zip, piece by piece; a zip64 only where it has to be. Files are stored, since PDFs and pictures are compressed
 * already. The first piece comes when the first file can be read.
 * @param files are taken one after the other
 * @param at the time of every file
 */
export async function* zipStream(
  files: Iterable<ZippedFile> | AsyncIterable<ZippedFile>,
  at: Date,
): AsyncGenerator<Uint8Array, void> {
  const lists: Buffer[] = [];
  let entries: Buffer[] = [];
  let [count, offset] = [0, 0];
  for await (const { name, size, read } of files) {
    const about = { name: Buffer.from(name), at, size, offset };
    let head: Buffer | undefined = localHeader(about);
    offset += head.length + size + descriptorBytes(size);
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
    if (++count % ENTRIES === 0) [entries, lists[lists.length]] = [[], Buffer.concat(entries)];
  }
  lists.push(Buffer.concat(entries));
  yield* lists;
  const central = lists.reduce((bytes, list) => bytes + list.length, 0);
  yield end({ count, central, offset });
}

interface Entry {
  name: Buffer;
  at: Date;
  size: number;
  /** of its local header */
  offset: number;
}

const isLarge = (size: number) => size >= LARGE;
const descriptorBytes = (size: number) => (isLarge(size) ? 24 : 16);

/** The numbers that are too large for a header, in the order of the field of zip64. */
const localNumbers = (size: number) => (isLarge(size) ? [size, size] : []);
const centralNumbers = ({ size, offset }: Pick<Entry, 'size' | 'offset'>) =>
  isLarge(offset) ? [...localNumbers(size), offset] : localNumbers(size);
const fieldBytes = (numbers: number[]) => (numbers.length === 0 ? 0 : 4 + 8 * numbers.length);

/** The field of zip64; empty if there are no such numbers. */
function field(numbers: number[]): Buffer {
  const bytes = Buffer.alloc(fieldBytes(numbers));
  if (numbers.length === 0) return bytes;
  bytes.writeUInt16LE(0x0001, 0);
  bytes.writeUInt16LE(8 * numbers.length, 2);
  for (const [index, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), 4 + 8 * index);
  return bytes;
}

function localHeader({ name, at, size }: Entry): Buffer {
  const header = Buffer.alloc(LOCAL_BYTES);
  const large = field(localNumbers(size));
  header.writeUInt32LE(0x0403_4b50, 0);
  header.writeUInt16LE(isLarge(size) ? LARGE_VERSION : VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt32LE(dosTime(at), 10);
  if (isLarge(size)) header.fill(0xff, 18, 26);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(large.length, 28);
  return Buffer.concat([header, name, large]);
}

function descriptor(sum: number, size: number): Buffer {
  const bytes = Buffer.alloc(descriptorBytes(size));
  bytes.writeUInt32LE(0x0807_4b50, 0);
  bytes.writeUInt32LE(sum, 4);
  if (isLarge(size)) {
    bytes.writeBigUInt64LE(BigInt(size), 8);
    bytes.writeBigUInt64LE(BigInt(size), 16);
  } else {
    bytes.writeUInt32LE(size, 8);
    bytes.writeUInt32LE(size, 12);
  }
  return bytes;
}

function centralHeader({ name, at, size, offset }: Entry, sum: number): Buffer {
  const header = Buffer.alloc(CENTRAL_BYTES);
  const large = field(centralNumbers({ size, offset }));
  const version = large.length > 0 ? LARGE_VERSION : VERSION;
  header.writeUInt32LE(0x0201_4b50, 0);
  header.writeUInt16LE(MADE_ON_UNIX + version, 4);
  header.writeUInt16LE(version, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt32LE(dosTime(at), 12);
  header.writeUInt32LE(sum, 16);
  header.writeUInt32LE(Math.min(size, LARGE), 20);
  header.writeUInt32LE(Math.min(size, LARGE), 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(large.length, 30);
  header.writeUInt32LE(MODE * 0x1_0000, 38);
  header.writeUInt32LE(Math.min(offset, LARGE), 42);
  return Buffer.concat([header, name, large]);
}

interface Sums {
  count: number;
  /** bytes of the list, which is after all files */
  central: number;
  offset: number;
}

const isLargeZip = ({ count, central, offset }: Sums) => count >= MANY || isLarge(central) || isLarge(offset);

function end({ count, central, offset }: Sums): Buffer {
  const bytes = Buffer.alloc(END_BYTES);
  bytes.writeUInt32LE(0x0605_4b50, 0);
  bytes.writeUInt16LE(Math.min(count, MANY), 8);
  bytes.writeUInt16LE(Math.min(count, MANY), 10);
  bytes.writeUInt32LE(Math.min(central, LARGE), 12);
  bytes.writeUInt32LE(Math.min(offset, LARGE), 16);
  return isLargeZip({ count, central, offset }) ? Buffer.concat([largeEnd({ count, central, offset }), bytes]) : bytes;
}

function largeEnd({ count, central, offset }: Sums): Buffer {
  const bytes = Buffer.alloc(LARGE_END_BYTES);
  bytes.writeUInt32LE(0x0606_4b50, 0);
  bytes.writeBigUInt64LE(44n, 4); // what comes after this number
  bytes.writeUInt16LE(MADE_ON_UNIX + LARGE_VERSION, 12);
  bytes.writeUInt16LE(LARGE_VERSION, 14);
  bytes.writeBigUInt64LE(BigInt(count), 24);
  bytes.writeBigUInt64LE(BigInt(count), 32);
  bytes.writeBigUInt64LE(BigInt(central), 40);
  bytes.writeBigUInt64LE(BigInt(offset), 48);
  // Where that was.
  bytes.writeUInt32LE(0x0706_4b50, 56);
  bytes.writeBigUInt64LE(BigInt(offset + central), 64);
  bytes.writeUInt32LE(1, 72); // disks
  return bytes;
}

/** In UTC, to two seconds; zips know no time before 1980. */
function dosTime(at: Date): number {
  const year = Math.min(Math.max(at.getUTCFullYear() - 1980, 0), 127);
  const date = (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return date * 0x1_0000 + time;
}
