import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Queryable, Transaction } from '../db/pools.ts';
import { CodedError, messageOf, OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { CHUNK_BYTES, type PdfStore } from './pdf-store.ts';

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
    const handle = await open(draft, 'w', 0o640);
    try {
      await handle.writev(chunks);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
  }

  async *open(_: Queryable, { fileId }: { fileId: string }): AsyncIterable<Uint8Array> {
    const handle = await open(this.#path(fileId), 'r').catch((error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT')
        throw new CodedError('file_expired', 'the PDF is no longer kept', { cause: error });
      throw error;
    });
    yield* handle.createReadStream({ highWaterMark: CHUNK_BYTES });
  }

  async remove(_: Queryable, fileIds: string[]): Promise<void> {
    for (const fileId of fileIds) await rm(this.#path(fileId), { force: true });
  }

  /** UUIDv7 starts with the time: its first digits would put all of today into one directory, its last spread. */
  #path(fileId: string): string {
    return join(this.#directory, fileId.slice(-2), `${fileId}.pdf`);
  }
}
