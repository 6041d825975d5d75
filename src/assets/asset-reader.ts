import { Readable } from 'node:stream';
import { SizedCache } from '../cache/sized-cache.ts';
import { type Database, isDatabaseUnavailable } from '../db/pools.ts';
import type { OpenedFile } from '../kernel/files.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Stores } from '../storage/stores.ts';
import type { Asset } from './asset.ts';

interface AssetReaderOptions {
  db: Database;
  assetStores: Stores;
  /** bytes that are kept in memory; 0: none */
  cacheBytes: number;
}

/** A larger file is not kept in memory. */
const CACHED_PART = 4;

/** Reads assets, and keeps in memory those that were used last: a logo or a font is read once. */
export class AssetReader {
  readonly #options: AssetReaderOptions;
  readonly #cache: SizedCache<Buffer>;

  constructor(options: AssetReaderOptions) {
    this.#options = options;
    this.#cache = new SizedCache({ maxSize: options.cacheBytes, sizeOf: (bytes) => bytes.byteLength });
  }

  /** @param userId its owner @throws CodedError, also later while it is read, if the bytes cannot be read */
  async open(userId: string, asset: Asset): Promise<OpenedFile> {
    const { size, type, id } = asset;
    if (size === 0) return { type, size, content: new Uint8Array() };
    if (size > this.#options.cacheBytes / CACHED_PART)
      return { type, size, content: Readable.from(this.#pieces(userId, asset), { objectMode: false }) };
    // The id is one of the tenant's own: the same bytes of another tenant have another.
    const content = await this.#cache.get(id, async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of this.#pieces(userId, asset)) pieces.push(piece);
      return Buffer.concat(pieces, size);
    });
    return { type, size, content };
  }

  /** @throws CodedError */
  async *#pieces(userId: string, asset: Asset): AsyncIterable<Uint8Array> {
    const { db, assetStores } = this.#options;
    const store = assetStores.of(asset);
    if (!store) throw new CodedError('unavailable', 'a file is in a store that this service cannot reach now');
    try {
      yield* store.open(db, { userId, fileId: asset.id, size: asset.size });
    } catch (error) {
      if (isDatabaseUnavailable(error))
        throw new CodedError('unavailable', 'the database is unavailable', { cause: error });
      if (error instanceof CodedError && error.code !== 'file_expired') throw error;
      throw new CodedError('job_failed', 'a file of the document is damaged in its store', { cause: error });
    }
  }
}
