import { LRUCache } from 'lru-cache';

/** Callers that are tracked, at most; those used least recently are dropped first. */
const MAX_CALLERS = 10_000;
const MAX_KNOWN = 10_000;
const KNOWN_MS = 300_000;

interface LoginFailuresOptions {
  /** failures of one caller within the window before it has to wait */
  max: number;
  /** milliseconds, from its first failure on */
  windowMs: number;
}

/**
 * Counts failed logins by caller, so that somebody who guesses keys is refused without a query. A secret that was valid
 * lately is never refused: others may share the address with somebody who guesses.
 */
export class LoginFailures {
  readonly #max: number;
  readonly #failures: LRUCache<string, { count: number }>;
  readonly #known = new LRUCache<string, true>({ max: MAX_KNOWN, ttl: KNOWN_MS });

  constructor({ max, windowMs }: LoginFailuresOptions) {
    this.#max = max;
    this.#failures = new LRUCache({ max: MAX_CALLERS, ttl: windowMs });
  }

  /** @param secret the key that it logs in with, or a hash of it @returns milliseconds that it has to wait; 0: none */
  waitMs(caller: string, secret: string): number {
    if ((this.#failures.get(caller)?.count ?? 0) < this.#max || this.#known.has(secret)) return 0;
    return Math.max(1, this.#failures.getRemainingTTL(caller));
  }

  /** @returns the failures of this caller so far */
  failed(caller: string): number {
    const failures = this.#failures.get(caller);
    if (failures) return ++failures.count;
    this.#failures.set(caller, { count: 1 });
    return 1;
  }

  succeeded(secret: string): void {
    this.#known.set(secret, true);
  }
}
