import { KnownAnswers } from '../cache/known-answers.ts';
import { QueryCache } from '../cache/query-cache.ts';
import type { Notifier } from '../db/notifier.ts';
import type { Tier } from '../domain/tier.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { KnownRefusal } from './limits.ts';
import type { Login } from './principals.ts';

/** Milliseconds for which an entry is valid while the notifier is not connected. */
const UNNOTIFIED_MS = 2_000;
/** Characters of all cached refusals together; one has some 400. */
const REFUSALS_SIZE = 16_000_000;

interface AccountCachesOptions {
  notifier: Notifier;
  /** entries of each */
  max: number;
  /** milliseconds */
  ttlMs: { logins: number; tiers: number };
  onRequest: (cache: string, result: 'hit' | 'miss') => void;
}

/**
 * The caches of accounts in one process. The notifier reports every change, also one by hand in SQL; while it is not
 * connected, entries are valid for a short time only.
 */
export class AccountCaches extends Lifecycle {
  /** by a key's hash; undefined: there is no such key */
  readonly logins: QueryCache<Login | undefined>;
  /** by name */
  readonly tiers: QueryCache<Tier | undefined>;
  /** by the user's id; each names the limits it holds for, so it needs no notification */
  readonly refusals: KnownAnswers<KnownRefusal>;
  readonly #notifier: Notifier;

  constructor({ notifier, max, ttlMs, onRequest }: AccountCachesOptions) {
    super();
    this.#notifier = notifier;
    this.logins = new QueryCache({
      max,
      ttlMs: ttlMs.logins,
      onRequest: (result) => onRequest('subscriptions', result),
    });
    this.tiers = new QueryCache({ max, ttlMs: ttlMs.tiers, onRequest: (result) => onRequest('tiers', result) });
    this.refusals = new KnownAnswers({
      max,
      maxSize: REFUSALS_SIZE,
      onRequest: (result) => onRequest('limits', result),
    });
  }

  protected async onStart(): Promise<void> {
    // Without an id the change concerns all users.
    this.#notifier.on('accounts', this.ending, (userId) =>
      this.logins.forget((login) => !login || userId === '' || login.userId === userId),
    );
    this.#notifier.on('tiers', this.ending, () => this.tiers.forget());
    this.#notifier.on('lost', this.ending, () => this.#limitAge(UNNOTIFIED_MS));
    this.#notifier.on('missed', this.ending, () => this.#forgetAll());
    this.#forgetAll(); // changes before this moment were not heard
  }

  #forgetAll(): void {
    this.logins.forget();
    this.tiers.forget();
    this.#limitAge(Infinity);
  }

  #limitAge(ms: number): void {
    this.logins.limitAge(ms);
    this.tiers.limitAge(ms);
  }
}
