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

  get kinds(): StoreKind[] {
    return [...this.#stores.keys()];
  }
}
