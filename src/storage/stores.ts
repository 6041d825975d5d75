import { type StoreLocation, store as storeSetting } from '../config/kinds.ts';
import type { Config } from '../config/load.ts';
import { FileStore } from './file-store.ts';
import { OperatorError } from '../kernel/errors.ts';
import { type ChunkTable, PostgresStore } from './postgres-store.ts';
import { S3Store } from './s3-store.ts';
import type { Store, StoreKind } from './store.ts';
import { type OnStoreOperation, TimedStore } from './timed-store.ts';

/** The settings that stores are opened with. */
export type StoreSettings = Pick<Config, 'pdfStore'> & Partial<Pick<Config, 's3'>>;

/** Every kind of store, and how one is opened. @throws OperatorError if a setting is missing */
const KINDS: {
  [Kind in StoreKind]: (
    at: Extract<StoreLocation, { kind: Kind }>,
    settings: StoreSettings,
    table: ChunkTable | undefined,
  ) => Store;
} = {
  postgres: (_, __, table) => new PostgresStore(table),
  file: ({ directory }) => new FileStore(directory),
  s3: ({ bucket, prefix }, { s3 }) => {
    if (!s3)
      throw new OperatorError('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: they are needed for PDFs in a bucket');
    return new S3Store(bucket, prefix, s3);
  },
};

/** Where a file's bytes are, as its row says it. */
export interface StoredAt {
  store: string;
  /** null: the database; or unknown, because the last release wrote the row */
  location: string | null;
}

/**
 * All stores: the one that PDF_STORE names for new files, and the ones that rows name, opened when they are needed and
 * kept.
 */
export class Stores {
  /** for new files */
  readonly current: Store;
  readonly #settings: StoreSettings;
  readonly #onOperation: OnStoreOperation | undefined;
  readonly #table: ChunkTable | undefined;
  readonly #opened = new Map<string, Store>();

  /** @param table for bytes in the database; default: that of PDFs */
  constructor(settings: StoreSettings, onOperation?: OnStoreOperation, table?: ChunkTable) {
    this.#settings = settings;
    this.#table = table;
    this.#onOperation = onOperation;
    this.current = this.#open(settings.pdfStore);
    this.#opened.set(this.current.location ?? this.current.kind, this.current);
  }

  /**
   * The store of a file, whatever PDF_STORE says now. The last release knew one directory only, the one of its setting.
   * @returns undefined if this release does not know such a store, or not which one it is, or has no key for it
   */
  of({ store: kind, location }: StoredAt): Store | undefined {
    if (location === null && kind === this.current.kind) return this.current;
    const name = location ?? kind;
    const opened = this.#opened.get(name);
    if (opened) return opened;
    const at = storeSetting.parse(name);
    if (at?.kind !== kind || (kind === 's3' && !this.#settings.s3)) return undefined;
    const store = this.#open(at);
    this.#opened.set(name, store);
    return store;
  }

  #open(at: StoreLocation): Store {
    const open = KINDS[at.kind] as (at: StoreLocation, settings: StoreSettings, table?: ChunkTable) => Store;
    return new TimedStore(open(at, this.#settings, this.#table), this.#onOperation);
  }
}
