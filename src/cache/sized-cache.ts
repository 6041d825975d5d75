import { LRUCache } from 'lru-cache';

/** Values that never change, up to a sum of their sizes; the least recently used ones go first. */
export class SizedCache<V extends object> {
  readonly #entries: LRUCache<string, V> | undefined;
  readonly #inFlight = new Map<string, Promise<V>>();

  /** @param maxSize 0: nothing is cached */
  constructor({ maxSize, sizeOf }: { maxSize: number; sizeOf: (value: V) => number }) {
    if (maxSize > 0) this.#entries = new LRUCache({ maxSize, sizeCalculation: (value) => Math.max(1, sizeOf(value)) });
  }

  /** One call of `read` serves all who ask meanwhile. Errors are not cached. */
  get(key: string, read: () => Promise<V>): Promise<V> {
    const known = this.#entries?.get(key);
    if (known) return Promise.resolve(known);
    const asked = this.#inFlight.get(key);
    if (asked) return asked;
    const answer = read()
      .then((value) => {
        this.#entries?.set(key, value); // one that is larger than the cache is not kept
        return value;
      })
      .finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, answer);
    return answer;
  }
}
