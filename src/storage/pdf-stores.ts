import type { PdfStore, StoreKind } from './pdf-store.ts';

/** Every store that this process can reach. A PDF is read from the one that its row names, wherever new ones go. */
export class PdfStores {
  readonly #stores: ReadonlyMap<StoreKind, PdfStore>;

  constructor(...stores: PdfStore[]) {
    this.#stores = new Map(stores.map((store) => [store.kind, store]));
  }

  /** @returns undefined if it cannot be reached from here */
  of(kind: StoreKind): PdfStore | undefined {
    return this.#stores.get(kind);
  }

  get kinds(): StoreKind[] {
    return [...this.#stores.keys()];
  }
}
