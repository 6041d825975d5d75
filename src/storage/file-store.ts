import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Queryable, Transaction } from '../db/pools.ts';
import { CodedError, messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { CHUNK_BYTES, type PdfStore } from './pdf-store.ts';

/** Parts of the directory, by the last byte of a PDF's id. */
export const PARTS = 256;

/** PDFs in a directory that the API and every worker can reach. A name is there only with all of its bytes. */
export class FileStore implements PdfStore {
  readonly kind = 'file';
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async check(): Promise<void> {
    const probe = join(this.#directory, `.probe-${process.pid}`);
    try {
      await mkdir(this.#directory, { recursive: true });
      await (await open(probe, 'w')).close();
      await rm(probe);
    } catch (error) {
      throw new OperatorError(`PDF_STORE: ${this.#directory} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  async save(_: Transaction, fileId: string, chunks: Uint8Array[]): Promise<void> {
    const path = this.#path(fileId);
    await mkdir(dirname(path), { recursive: true });
    const draft = `${path}.${process.pid}.tmp`;
    try {
      const handle = await open(draft, 'w', 0o640);
      try {
        await handle.writev(chunks);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  async *open(_: Queryable, { fileId }: { fileId: string }): AsyncIterable<Uint8Array> {
    const handle = await open(this.#path(fileId), 'r').catch((error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT')
        throw new CodedError('file_expired', 'the PDF is no longer kept', { cause: error });
      throw error;
    });
    try {
      yield* handle.createReadStream({ highWaterMark: CHUNK_BYTES });
    } finally {
      await handle.close(); // however far it was read
    }
  }

  async remove(_: Queryable, fileIds: string[]): Promise<void> {
    for (const fileId of fileIds) await rm(this.#path(fileId), { force: true });
  }

  /**
   * The PDFs of one part of the directory that were written long ago; drafts as old are removed on the way.
   * @param part 0 to {@link PARTS} - 1
   * @param olderThanMs milliseconds
   * @returns their ids
   */
  async list(part: number, olderThanMs: number): Promise<string[]> {
    const directory = join(this.#directory, part.toString(16).padStart(2, '0'));
    const ids: string[] = [];
    for (const name of await namesIn(directory)) {
      const [, id, draft] = /^([0-9a-f-]{36})\.pdf(\.\d+\.tmp)?$/.exec(name) ?? [];
      if (id === undefined) continue; // nothing of ours
      const path = join(directory, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity })); // gone meanwhile
      if (Date.now() - mtimeMs < olderThanMs) continue;
      if (draft === undefined) ids.push(id);
      else await rm(path, { force: true });
    }
    return ids;
  }

  /** UUIDv7 starts with the time: its first digits would put all of today into one directory, its last spread. */
  #path(fileId: string): string {
    return join(this.#directory, fileId.slice(-2), `${fileId}.pdf`);
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return []; // nothing was ever kept in it
    throw error;
  }
}
