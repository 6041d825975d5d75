import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable, Transaction } from '../db/pools.ts';
import { CodedError, messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import {
  CHUNK_BYTES,
  exactly,
  type KeptPdf,
  PdfDamaged,
  type PdfStore,
  StoreFailure,
  type WhichPdf,
} from './pdf-store.ts';

/** Subdirectories, by the last byte of a PDF's id. */
export const PARTS = 256;
/** A file that marks the directory as ours: if it is missing, the file system is not mounted there. */
const MARK = '.pdfprompt-store';
/** Seconds for `retryAfterSeconds` while the directory is not mounted. */
const UNMOUNTED_SECONDS = 5;

/** PDFs in a directory that the API and every worker can reach. A file gets its name when all of its bytes are written. */
export class FileStore implements PdfStore {
  readonly kind = 'file';
  readonly #directory: string;
  #isMarked = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async check(): Promise<void> {
    const probe = join(this.#directory, `.probe-${process.pid}`);
    try {
      await this.#enter();
      await (await open(probe, 'w')).close();
      await rm(probe);
    } catch (error) {
      throw new OperatorError(`PDF_STORE: ${this.#directory} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  async save(_: Transaction, fileId: string, { chunks, ...pdf }: KeptPdf): Promise<void> {
    const path = this.#path(fileId);
    await withStoreFailure(async () => {
      await this.#withDraft(path, async (draft) => {
        await write(draft, { chunks, ...pdf });
        await rename(draft, path);
      });
      await syncDirectory(dirname(path)); // otherwise a power failure may undo the rename
    });
  }

  async probe(_: Queryable, bytes: number): Promise<void> {
    const piece = randomBytes(Math.min(bytes, CHUNK_BYTES)); // random, because a file system may compress
    const chunks = Array<Uint8Array>(Math.floor(bytes / piece.length)).fill(piece);
    chunks.push(piece.subarray(0, bytes % piece.length));
    const hash = createHash('sha256');
    for (const chunk of chunks) hash.update(chunk);
    const sha256 = hash.digest('hex');
    await withStoreFailure(() =>
      this.#withDraft(this.#path(uuidv7()), async (draft) => {
        await write(draft, { chunks, size: bytes, sha256 });
        await rm(draft);
      }),
    );
  }

  async *open(_: Queryable, which: WhichPdf): AsyncIterable<Uint8Array> {
    const { fileId, size } = which;
    const path = this.#path(fileId);
    const handle = await open(path, 'r').catch(async (error: unknown) => {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
      const isMounted = await stat(this.#mark).catch(() => undefined);
      if (isMounted) throw new CodedError('file_expired', 'the PDF is no longer kept', { cause: error });
      throw new CodedError('unavailable', 'the directory with the PDFs cannot be reached now', {
        cause: error,
        retryAfterSeconds: UNMOUNTED_SECONDS,
      });
    });
    try {
      const found = (await handle.stat()).size;
      if (found !== size) throw new PdfDamaged(fileId, found, size);
      yield* exactly(handle.createReadStream({ highWaterMark: CHUNK_BYTES }), which);
    } finally {
      await handle.close();
    }
  }

  async remove(_: Queryable, fileIds: string[]): Promise<void> {
    for (const fileId of fileIds) await withStoreFailure(() => rm(this.#path(fileId), { force: true }));
  }

  /**
   * Lists the PDFs in one subdirectory that are older than `olderThanMs` milliseconds, and removes drafts of that age.
   * @param part 0 to {@link PARTS} - 1
   * @returns their ids
   */
  async list(part: number, olderThanMs: number): Promise<string[]> {
    const directory = join(this.#directory, part.toString(16).padStart(2, '0'));
    const ids: string[] = [];
    const names = await readdir(directory).catch((error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT') return []; // created with its first PDF
      throw error;
    });
    for (const name of names) {
      const [, id, draft] = /^([0-9a-f-]{36})\.pdf(\.\d+\.tmp)?$/.exec(name) ?? [];
      if (id === undefined) continue;
      const path = join(directory, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity })); // removed meanwhile
      if (Date.now() - mtimeMs < olderThanMs) continue;
      if (draft === undefined) ids.push(id);
      else await rm(path, { force: true });
    }
    return ids;
  }

  get #mark(): string {
    return join(this.#directory, MARK);
  }

  /** Marks the directory the first time. Later a missing mark is an error: the file system is not mounted. */
  async #enter(): Promise<void> {
    if (this.#isMarked) return void (await stat(this.#mark));
    await mkdir(this.#directory, { recursive: true });
    await (await open(this.#mark, 'a')).close();
    this.#isMarked = true;
  }

  /** Removes the draft if `work` fails. If the process dies, `list` removes it later. */
  async #withDraft(path: string, work: (draft: string) => Promise<void>): Promise<void> {
    const draft = `${path}.${process.pid}.tmp`;
    try {
      await this.#enter();
      await mkdir(dirname(path), { recursive: true });
      await work(draft);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** By the last digits of the UUIDv7, which are random; the first ones are the time. */
  #path(fileId: string): string {
    return join(this.#directory, fileId.slice(-2), `${fileId}.pdf`);
  }
}

/** Turns every error of `work` into a {@link StoreFailure}. */
async function withStoreFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreFailure) throw error;
    throw new StoreFailure(systemCodeOf(error) ?? 'unknown', messageOf(error), { cause: error });
  }
}

/** Writes a file, syncs it to the disk, and reads it back. @throws StoreFailure if it has other bytes */
async function write(path: string, { chunks, size, sha256 }: KeptPdf): Promise<void> {
  const handle = await open(path, 'w+', 0o640);
  try {
    for (const chunk of chunks) {
      // On a nearly full disk fewer bytes are written than requested; the next write fails.
      for (let at = 0; at < chunk.byteLength;) at += (await handle.write(chunk, at)).bytesWritten;
    }
    await handle.sync();
    const found = await readBack(handle, size);
    if (found.size !== size || found.sha256 !== sha256)
      throw new StoreFailure('altered', `${found.size} bytes are in ${path}, or not the ${size} that were written`);
  } finally {
    await handle.close();
  }
}

async function readBack(handle: FileHandle, size: number): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
  let at = 0;
  for (;;) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return { size: at, sha256: hash.digest('hex') };
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes(systemCodeOf(error) ?? '')) throw error; // the file system cannot sync directories
  } finally {
    await handle.close();
  }
}
