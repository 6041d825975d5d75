import { LRUCache } from 'lru-cache';

interface IdleItemsOptions<T> {
  /** items, of all owners together */
  max: number;
  /** milliseconds after which an unused item is dropped */
  idleMs: number;
  /** called with each item that is dropped: it was unused the longest, or for too long */
  onDrop: (item: T) => void;
}

/** Keeps unused items for their owners; the least recently used are dropped first. */
export class IdleItems<T extends object> {
  readonly #items: LRUCache<T, string>;

  constructor({ max, idleMs, onDrop }: IdleItemsOptions<T>) {
    this.#items = new LRUCache<T, string>({
      max,
      ttl: idleMs,
      dispose: (_, item, reason) => {
        if (reason === 'evict' || reason === 'expire') onDrop(item);
      },
    });
  }

  get size(): number {
    return this.#items.size;
  }

  put(owner: string, item: T): void {
    this.#items.set(item, owner);
  }

  /**
   * Removes and returns an item of this owner.
   * @param fitness the highest wins, and of equal ones the most recently used; 0: not this one
   */
  take(owner: string, fitness: (item: T) => number): T | undefined {
    let best: T | undefined;
    let highest = 0;
    for (const [item, itsOwner] of this.#items.entries()) {
      if (itsOwner !== owner) continue;
      const value = fitness(item);
      if (value <= highest) continue;
      best = item;
      highest = value;
    }
    if (best) this.#items.delete(best);
    return best;
  }

  count(isCounted: (item: T) => boolean): number {
    return [...this.#items.keys()].filter(isCounted).length;
  }

  /** Removes items without `onDrop`. @returns them */
  forget(isGone: (item: T) => boolean): T[] {
    const gone = [...this.#items.keys()].filter(isGone);
    for (const item of gone) this.#items.delete(item);
    return gone;
  }

  /** Drops the items that were unused for too long. */
  expire(): void {
    this.#items.purgeStale();
  }

  trim(count: number): void {
    while (this.#items.size > count) this.#items.pop();
  }
}
