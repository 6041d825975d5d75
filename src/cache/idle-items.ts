import { LRUCache } from 'lru-cache';

interface IdleItemsOptions<T> {
  /** items, of all owners together */
  max: number;
  /** milliseconds after which an item that nobody took is dropped */
  idleMs: number;
  /** what becomes of an item that is dropped: it was not used for longest, or for too long */
  onDrop: (item: T) => void;
}

/** Things that are kept for their owners while nobody uses them; those that were not used for longest go first. */
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
   * Takes an item of this owner away.
   * @param fitness the highest wins, and of equal ones the one used last; 0: not this one
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

  /** Forgets items without dropping them: they are gone already. */
  forget(isGone: (item: T) => boolean): void {
    for (const item of [...this.#items.keys()].filter(isGone)) this.#items.delete(item);
  }

  /** Drops what nobody took for too long. */
  expire(): void {
    this.#items.purgeStale();
  }

  /** Drops all but the `count` used last. */
  trim(count: number): void {
    while (this.#items.size > count) this.#items.pop();
  }
}
