import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { systemCodeOf } from '../kernel/errors.ts';
import { refused, type ZipEntry, zipEntries } from './zip-entries.ts';

/** A file of a zip, unpacked. */
export interface UnpackedFile {
  /** its path in the zip, without a folder that all files are in */
  name: string;
  /** its path on disk */
  path: string;
  /** bytes */
  size: number;
  /** lower-case hex */
  sha256: string;
}

export interface UnzipOptions {
  /** files, at most */
  maxFiles: number;
  /** bytes of all files, at most, by what is really unpacked */
  maxBytes: number;
  /** called with the number of bytes before they are written; what it throws is thrown */
  onBytes?: (bytes: number) => void;
  /** the path on disk at which a file is put; there must be none yet */
  place: (name: string, index: number) => string | Promise<string>;
  /** its reason is thrown */
  signal?: AbortSignal | undefined;
}

/** Above so many bytes, a zip may unpack to so many times its size. */
const FREE_BYTES = 16 * 1024 * 1024;
const MAX_RATIO = 200;
/** Bytes of a file that are in memory at a time. */
const PIECE_BYTES = 65_536;
/**
 * Unpacks a zip from disk to disk, one file after the other. Hidden files and what macOS adds are left out, and so is
 * the one folder that all files are in. Names are made NFC.
 * @throws ZipRefused if it is broken, or has what no zip of a document has
 */
export async function unzip(path: string, { place, ...options }: UnzipOptions): Promise<UnpackedFile[]> {
  const handle = await open(path, 'r');
  try {
    const unpacked: UnpackedFile[] = [];
    const entries = await zipEntries(handle, options);
    const { signal, onBytes } = options;
    const budget = new Budget((await handle.stat()).size, options.maxBytes);
    for (const [index, entry] of entries.entries()) {
      const target = await place(entry.name, index);
      unpacked.push(await unpackOne(handle, entry, { path: target, budget, signal, onBytes }));
    }
    return unpacked;
  } finally {
    await handle.close();
  }
}

/** Counts what is unpacked. */
class Budget {
  readonly #maxBytes: number;
  readonly #maxByRatio: number;
  #bytes = 0;

  constructor(zipBytes: number, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxByRatio = Math.max(FREE_BYTES, zipBytes * MAX_RATIO);
  }

  /** @throws ZipRefused */
  take(name: string, bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#maxBytes) throw refused(name, `with it the zip has more than ${this.#maxBytes} bytes`);
    if (this.#bytes > this.#maxByRatio) throw refused(name, `with it the zip is more than ${MAX_RATIO} times its size`);
  }
}

interface UnpackInput {
  path: string;
  budget: Budget;
  signal: AbortSignal | undefined;
  onBytes: UnzipOptions['onBytes'];
}

/** @throws ZipRefused if the bytes are not those that the entry promises */
async function unpackOne(
  handle: FileHandle,
  entry: ZipEntry,
  { path, budget, signal, onBytes }: UnpackInput,
): Promise<UnpackedFile> {
  const { name } = entry;
  const hash = createHash('sha256');
  let size = 0;
  let sum = 0;
  const save = async (pieces: AsyncIterable<Buffer>) => {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const piece of pieces) {
        size += piece.byteLength;
        if (size > entry.size) throw refused(name, 'it has more bytes than it says');
        budget.take(name, piece.byteLength);
        onBytes?.(piece.byteLength);
        hash.update(piece);
        sum = crc32(piece, sum);
        await file.writeFile(piece);
      }
    } finally {
      await file.close();
    }
  };
  const packed = piecesOf(handle, entry);
  try {
    if (entry.isDeflated) await pipeline(packed, createInflateRaw({ chunkSize: PIECE_BYTES }), save, { signal });
    else await pipeline(packed, save, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (systemCodeOf(error)?.startsWith('Z_')) throw refused(name, 'its bytes are damaged');
    throw error;
  }
  if (size < entry.size) throw refused(name, 'it has fewer bytes than it says');
  if (sum !== entry.crc32) throw refused(name, 'its bytes are damaged: they have another checksum');
  return { name, path, size, sha256: hash.digest('hex') };
}

async function* piecesOf(handle: FileHandle, { start, end, name }: ZipEntry): AsyncIterable<Buffer> {
  for (let at = start; at < end;) {
    const length = Math.min(PIECE_BYTES, end - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw refused(name, 'it is cut off');
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
