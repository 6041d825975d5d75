/*
 * Archives as `tar` reads them (POSIX ustar), of plain files alone, written and read as streams.
 */

const BLOCK = 512;
/** Offset and length of a header's checksum, which is computed with spaces there. */
const CHECKSUM = { at: 148, length: 8 };

/** An archive that cannot be read; the message goes on after its name. */
export class ArchiveDamaged extends Error {
  override name = 'ArchiveDamaged';
}

/** The header of a file. What follows are its bytes, and then {@link padding}. @param name at most 100 bytes */
export function header(name: string, size: number, seconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    void block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  block.write(name, 0, 'latin1');
  octal(0o600, 100, 8);
  octal(0, 108, 8); // user and group
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(seconds, 136, 12);
  block.write('0', 156, 'latin1'); // a plain file
  block.write('ustar\x0000', 257, 'latin1');
  block.write(checksumOf(block), CHECKSUM.at, 'latin1');
  return block;
}

/** What fills the last block of a file. */
export function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK);

function checksumOf(block: Buffer): string {
  let sum = 0;
  for (const [at, byte] of block.entries()) sum += at >= CHECKSUM.at && at < CHECKSUM.at + CHECKSUM.length ? 32 : byte;
  return `${sum.toString(8).padStart(6, '0')}\0 `;
}

/** A file of an archive that is read. */
export interface ArchivedFile {
  name: string;
  size: number;
  /** its bytes; what is not read before the next file is asked for is skipped */
  pieces: AsyncIterable<Buffer>;
}

/** The files of an archive, in order. @throws ArchiveDamaged if it is none, or is cut off */
export async function* readArchive(source: AsyncIterable<Buffer>): AsyncGenerator<ArchivedFile> {
  const reader = new Reader(source);
  for (;;) {
    const block = await reader.read(BLOCK);
    if (block.every((byte) => byte === 0)) return;
    if (block.toString('latin1', CHECKSUM.at, CHECKSUM.at + CHECKSUM.length) !== checksumOf(block))
      throw new ArchiveDamaged('it is damaged: there is no header where one should be');
    const name = block.toString('latin1', 0, 100).split('\0', 1)[0] ?? '';
    const size = Number.parseInt(block.toString('latin1', 124, 135), 8);
    const pieces = reader.pieces(size);
    yield { name, size, pieces };
    for await (const _ of pieces); // what was not read
    await reader.read(padding(size).length);
  }
}

/** Cuts a stream as it is asked to. */
class Reader {
  readonly #source: AsyncIterator<Buffer>;
  #have: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next bytes. It can be iterated again, and goes on where it was. @throws ArchiveDamaged if the stream ends before */
  pieces(size: number): AsyncIterable<Buffer> {
    let missing = size;
    const next = async (): Promise<IteratorResult<Buffer, undefined>> => {
      if (missing === 0) return { done: true, value: undefined };
      const value = await this.#readSome(missing);
      missing -= value.length;
      return { done: false, value };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  /** Exactly so many bytes. @throws ArchiveDamaged if the stream ends before */
  async read(size: number): Promise<Buffer> {
    const all: Buffer[] = [];
    for await (const piece of this.pieces(size)) all.push(piece);
    return Buffer.concat(all);
  }

  async #readSome(most: number): Promise<Buffer> {
    while (this.#have.length === 0) {
      const { done, value } = await this.#source.next();
      if (done) throw new ArchiveDamaged('it is cut off');
      this.#have = value;
    }
    const piece = this.#have.subarray(0, most);
    this.#have = this.#have.subarray(piece.length);
    return piece;
  }
}
