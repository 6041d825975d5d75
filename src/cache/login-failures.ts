import { LRUCache } from 'lru-cache';

/** Callers that are remembered, at most: those that failed longest ago are forgotten first. */
const MAX_CALLERS = 10_000;
const MAX_KNOWN = 10_000;
const KNOWN_MS = 300_000;

interface LoginFailuresOptions {
  /** failures of one caller within the window, at most */
  max: number;
  /** milliseconds from its first failure on */
  windowMs: number;
}

/**
 * Counts failed logins by caller, so that who guesses is turned away without a question to the database.
 * Whoever logged in lately is never turned away: many may share an address with somebody who guesses.
 */
export class LoginFailures {
  readonly #max: number;
  readonly #failures: LRUCache<string, { count: number }>;
  readonly #known = new LRUCache<string, true>({ max: MAX_KNOWN, ttl: KNOWN_MS });

  constructor({ max, windowMs }: LoginFailuresOptions) {
    this.#max = max;
    this.#failures = new LRUCache({ max: MAX_CALLERS, ttl: windowMs });
  }

  /** @param secret what it tries to log in with, or a hash of it @returns milliseconds until it may, 0: now */
  waitMs(caller: string, secret: string): number {
    if ((this.#failures.get(caller)?.count ?? 0) < this.#max || this.#known.has(secret)) return 0;
    return Math.max(1, this.#failures.getRemainingTTL(caller));
  }

  /** @returns how many failures of this caller that makes */
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
