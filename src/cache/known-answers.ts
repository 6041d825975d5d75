import { LRUCache } from 'lru-cache';

interface KnownAnswersOptions {
  /** entries; 0: nothing is kept */
  max: number;
  /** characters that all of them may have together */
  maxSize: number;
  /** told of every question */
  onRequest: (result: 'hit' | 'miss') => void;
}

/** Answers that are known to stay the same for a time of their own. */
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

  /** @param ms for so long */
  put(key: string, value: V, ms: number): void {
    if (ms > 0) this.#entries?.set(key, value, { ttl: ms });
  }
}
