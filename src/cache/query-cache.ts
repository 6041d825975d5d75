import { LRUCache } from 'lru-cache';

interface QueryCacheOptions {
  /** entries; 0: nothing is cached */
  max: number;
  /** milliseconds for which an answer is valid; Infinity: for ever */
  ttlMs: number;
  /** called for each `get` */
  onRequest: (result: 'hit' | 'miss') => void;
}

interface Entry<V> {
  /** as `performance.now()` has it */
  askedAt: number;
  answer: Promise<V>;
  /** unset until the query has answered */
  known?: { value: V };
}

/**
 * Answers of the database, "there is none" included. A query that is in flight serves all who ask meanwhile. Errors are
 * not cached. An answer to a query that was in flight at a `forget` goes to those who wait for it, and is not kept.
 *
 * The `fetchMethod` and `ttl` of lru-cache do not suffice: its in-flight keys cannot be listed, so that some entries
 * could not be forgotten safely; it does not cache `undefined`; and a `ttl` cannot be shortened for a while.
 */
export class QueryCache<V> {
  readonly #entries: LRUCache<string, Entry<V>> | undefined;
  readonly #options: QueryCacheOptions;
  #maxAgeMs = Infinity;

  constructor(options: QueryCacheOptions) {
    this.#options = options;
    this.#entries = options.max > 0 ? new LRUCache({ max: options.max }) : undefined;
  }

  async get(key: string, query: () => Promise<V>): Promise<V> {
    const { ttlMs, onRequest } = this.#options;
    const entries = this.#entries;
    if (!entries) return query();
    const cached = entries.get(key);
    const isValid = cached && performance.now() - cached.askedAt < Math.min(ttlMs, this.#maxAgeMs);
    onRequest(cached?.known && isValid ? 'hit' : 'miss');
    if (cached && (isValid || !cached.known)) return cached.answer;
    const entry: Entry<V> = { askedAt: performance.now(), answer: query() };
    entries.set(key, entry);
    const removeFailed = () => entries.peek(key) === entry && entries.delete(key);
    void entry.answer.then((value) => (entry.known = { value }), removeFailed);
    return entry.answer;
  }

  /** Removes the entries whose values are affected by a change; without `isAffected`, all. */
  forget(isAffected: (value: V) => boolean = () => true): void {
    for (const [key, { known }] of this.#entries?.entries() ?? [])
      if (!known || isAffected(known.value)) this.#entries?.delete(key);
  }

  /** For a time in which changes may be missed: no answer is valid for longer than this. Infinity ends it. */
  limitAge(ms: number): void {
    this.#maxAgeMs = ms;
  }
}
