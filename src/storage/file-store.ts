import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { CodedError, messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import {
  CHUNK_BYTES,
  exactly,
  PdfDamaged,
  randomFile,
  type Store,
  StoreFailure,
  type StoreFileBytes,
  UNREACHED_SECONDS,
  type WhichFile,
  wholeOf,
  withStoreFailure,
} from './store.ts';

/** A file that marks the directory as ours: if it is missing, the file system is not mounted there. */
const MARK = '.pdfprompt-store';
/** Subdirectories, by the last byte of a file's id. */
export const PARTS = 256;

/**
 * PDFs in a directory that the API and every worker can reach. A file gets its name when all of its bytes are written.
 * Only {@link check} makes the directory and its mark. Where the mark is missing, nothing is read, written or removed.
 */
export class FileStore implements Store {
  readonly kind = 'file';
  readonly isInDatabase = false;
  readonly fullReason = 'ENOSPC';
  readonly location: string;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.location = pathToFileURL(resolve(directory)).href;
  }

  async check(): Promise<void> {
    const probe = join(this.#directory, `.probe-${process.pid}`);
    try {
      await mkdir(this.#directory, { recursive: true });
      for (const path of [this.#mark, probe]) await (await open(path, 'a')).close();
      await rm(probe);
    } catch (error) {
      throw new OperatorError(`PDF_STORE: ${this.#directory} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  async put(_: Queryable, fileId: string, bytes: StoreFileBytes, signal?: AbortSignal): Promise<void> {
    const path = this.#path(fileId);
    await this.#withDraft(path, async (draft) => {
      await write(draft, bytes, signal);
      signal?.throwIfAborted();
      await rename(draft, path);
      await syncDirectory(dirname(path)); // otherwise a power failure may undo the rename
    });
  }

  async probe(_: Queryable, bytes: number): Promise<void> {
    await this.#withDraft(this.#path(uuidv7()), async (draft) => {
      await write(draft, randomFile(bytes));
      await rm(draft);
    });
  }

  async *open(_: Queryable, which: WhichFile, range = wholeOf(which)): AsyncIterable<Uint8Array> {
    const { fileId, size } = which;
    const handle = await open(this.#path(fileId), 'r').catch(async (error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT' && (await this.#isMounted()))
        throw new CodedError('file_expired', 'the PDF is no longer kept', { cause: error });
      throw new CodedError('unavailable', 'the directory with the PDFs cannot be reached now', {
        cause: error,
        retryAfterSeconds: UNREACHED_SECONDS,
      });
    });
    try {
      const found = (await handle.stat()).size;
      if (found !== size) throw new PdfDamaged(fileId, found, size);
      const stream = handle.createReadStream({ start: range.first, end: range.last, highWaterMark: CHUNK_BYTES });
      yield* exactly(stream, which, range);
    } finally {
      await handle.close();
    }
  }

  /** One that cannot be removed does not keep the others from it. */
  async remove(_: Queryable, fileIds: readonly string[]): Promise<void> {
    await withStoreFailure(async () => {
      await stat(this.#mark);
      let failure: unknown;
      for (const fileId of fileIds)
        await rm(this.#path(fileId), { force: true }).catch((error: unknown) => (failure ??= error));
      if (failure !== undefined) throw failure;
    });
  }

  async sweep(olderThanMs: number): Promise<number> {
    return withStoreFailure(async () => {
      await stat(this.#mark);
      let removed = 0;
      for (const part of await readdir(this.#directory)) {
        if (!/^[0-9a-f]{2}$/.test(part)) continue;
        for (const name of await readdir(join(this.#directory, part))) {
          if (!/^[0-9a-f-]{36}\.pdf\.[0-9a-f-]+\.tmp$/.test(name)) continue;
          const path = join(this.#directory, part, name);
          if (!(await this.#isOlder(path, olderThanMs))) continue;
          await rm(path, { force: true });
          removed++;
        }
      }
      return removed;
    });
  }

  async list(part: number, olderThanMs: number): Promise<string[]> {
    return withStoreFailure(async () => {
      await stat(this.#mark);
      const names = await readdir(join(this.#directory, part.toString(16).padStart(2, '0'))).catch((error: unknown) => {
        if (systemCodeOf(error) === 'ENOENT') return []; // made with its first file
        throw error;
      });
      const ids: string[] = [];
      for (const name of names) {
        const id = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.pdf$/.exec(name)?.[1];
        if (id !== undefined && (await this.#isOlder(this.#path(id), olderThanMs))) ids.push(id);
      }
      return ids;
    });
  }

  get #mark(): string {
    return join(this.#directory, MARK);
  }

  async #isOlder(path: string, ms: number): Promise<boolean> {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity })); // has another name by now, or is gone
    return Date.now() - mtimeMs >= ms;
  }

  async #isMounted(): Promise<boolean> {
    return stat(this.#mark).then(
      () => true,
      () => false,
    );
  }

  /** Removes the draft if `work` fails. If the process dies, `sweep` removes it later. @throws StoreFailure */
  async #withDraft(path: string, work: (draft: string) => Promise<void>): Promise<void> {
    const draft = `${path}.${randomUUID()}.tmp`; // another try may hang at the same file
    await withStoreFailure(async () => {
      try {
        await stat(this.#mark);
        await mkdir(dirname(path), { recursive: true });
        await work(draft);
      } catch (error) {
        await rm(draft, { force: true }).catch(() => undefined);
        throw error;
      }
    });
  }

  /** By the last digits of the UUIDv7, which are random; the first ones are the time. */
  #path(fileId: string): string {
    return join(this.#directory, fileId.slice(-2), `${fileId}.pdf`);
  }
}

/** Writes a file, syncs it to the disk, and reads it back. @throws StoreFailure if it has other bytes */
async function write(path: string, { chunks, size, sha256 }: StoreFileBytes, signal?: AbortSignal): Promise<void> {
  const handle = await open(path, 'w+', 0o640);
  try {
    for (const chunk of chunks) {
      signal?.throwIfAborted();
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
