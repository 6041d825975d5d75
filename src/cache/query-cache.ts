import { LRUCache } from 'lru-cache';

interface QueryCacheOptions {
  /** entries; 0: nothing is kept */
  max: number;
  /** milliseconds that an answer is good for; Infinity: for ever */
  ttlMs: number;
  /** told of every question */
  onRequest: (result: 'hit' | 'miss') => void;
}

interface Entry<V> {
  value: V;
  /** by this process's clock */
  askedAt: number;
}

/**
 * Answers of the database that hold for a while, "there is none" included. However many ask at a time,
 * the question is asked once. Who is told of changes calls `forget`; an answer to a question that was
 * under way by then is given to those who wait for it, but not kept.
 */
export class QueryCache<V> {
  readonly #entries: LRUCache<string, Entry<V>> | undefined;
  readonly #asking = new Map<string, Promise<V>>();
  readonly #ttlMs: number;
  readonly #onRequest: (result: 'hit' | 'miss') => void;
  #oldestMs = Infinity;

  constructor({ max, ttlMs, onRequest }: QueryCacheOptions) {
    this.#entries = max > 0 ? new LRUCache({ max }) : undefined;
    this.#ttlMs = ttlMs;
    this.#onRequest = onRequest;
  }

  async get(key: string, ask: () => Promise<V>): Promise<V> {
    if (!this.#entries) return ask();
    const entry = this.#entries.get(key);
    if (entry && performance.now() - entry.askedAt < Math.min(this.#ttlMs, this.#oldestMs)) {
      this.#onRequest('hit');
      return entry.value;
    }
    this.#onRequest('miss');
    return this.#asking.get(key) ?? this.#ask(this.#entries, key, ask);
  }

  async #ask(entries: LRUCache<string, Entry<V>>, key: string, ask: () => Promise<V>): Promise<V> {
    const askedAt = performance.now();
    const asking = ask();
    this.#asking.set(key, asking);
    try {
      const value = await asking;
      if (this.#asking.get(key) === asking) entries.set(key, { value, askedAt });
      return value;
    } finally {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
    }
  }

  /** What is no longer so. Without `isAffected`, everything. */
  forget(isAffected: (value: V) => boolean = () => true): void {
    this.#asking.clear();
    for (const [key, { value }] of this.#entries?.entries() ?? []) if (isAffected(value)) this.#entries?.delete(key);
  }

  /** While nobody tells us of changes: no answer is good for longer than this. Infinity ends it. */
  limitAge(ms: number): void {
    this.#oldestMs = ms;
  }
}
