import { LRUCache } from 'lru-cache';

interface KnownAnswersOptions {
  /** entries; 0: nothing is cached */
  max: number;
  /** characters of all entries together, as JSON */
  maxSize: number;
  /** called for each `get` */
  onRequest: (result: 'hit' | 'miss') => void;
}

/** Values that cannot change for a known time, different for each. */
export class KnownAnswers<V extends object> {
  readonly #entries: LRUCache<string, V> | undefined;
  readonly #onRequest: (result: 'hit' | 'miss') => void;

  constructor({ max, maxSize, onRequest }: KnownAnswersOptions) {
    this.#entries =
      max > 0 ? new LRUCache({ max, maxSize, sizeCalculation: (value) => JSON.stringify(value).length }) : undefined;
    this.#onRequest = onRequest;
  }

  get(key: string): V | undefined {
    const value = this.#entries?.get(key);
    this.#onRequest(value === undefined ? 'miss' : 'hit');
    return value;
  }

  forget(key: string): void {
    this.#entries?.delete(key);
  }

  /** @param ms how long the value is valid */
  put(key: string, value: V, ms: number): void {
    if (ms > 0) this.#entries?.set(key, value, { ttl: ms });
  }
}
