import type { Queryable } from '../db/pools.ts';
import type { PdfStore, StoreKind } from './pdf-store.ts';

/** The stores that this process can reach. A PDF is read from the store that its row names. */
export class PdfStores {
  readonly #stores: ReadonlyMap<StoreKind, PdfStore>;

  constructor(...stores: PdfStore[]) {
    this.#stores = new Map(stores.map((store) => [store.kind, store]));
  }

  /** @returns undefined if this process cannot reach it */
  of(kind: StoreKind): PdfStore | undefined {
    return this.#stores.get(kind);
  }

  /** Removes the bytes of those files whose stores this process can reach. */
  async remove(db: Queryable, files: readonly { id: string; store: string }[]): Promise<void> {
    for (const [kind, store] of this.#stores) {
      const ids = files.filter((file) => file.store === kind).map(({ id }) => id);
      if (ids.length > 0) await store.remove(db, ids);
    }
  }

  get kinds(): StoreKind[] {
    return [...this.#stores.keys()];
  }
}
