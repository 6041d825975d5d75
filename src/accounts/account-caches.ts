import { KnownAnswers } from '../cache/known-answers.ts';
import { QueryCache } from '../cache/query-cache.ts';
import type { Notifier } from '../db/notifier.ts';
import type { Tier } from '../domain/tier.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { KnownRefusal } from './limits.ts';
import type { Login } from './principals.ts';

/** Milliseconds that anything is remembered while the notifier is lost. */
const UNHEARD_MS = 2_000;
/** Characters of all refusals together; one has some 400. */
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
 * What one process remembers of accounts. A change is heard of from the notifier, whoever makes it; while
 * that is lost nothing is believed for long.
 */
export class AccountCaches extends Lifecycle {
  /** by a key's hash; undefined: there is no such key */
  readonly logins: QueryCache<Login | undefined>;
  /** by name */
  readonly tiers: QueryCache<Tier | undefined>;
  /** by the user's id; each holds for the limits it was made by, so no notifier is needed */
  readonly refusals: KnownAnswers<KnownRefusal>;
  readonly #notifier: Notifier;
  #unlisten: (() => void)[] = [];

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
    this.#unlisten = [
      // Without an id: everybody's.
      this.#notifier.on('accounts', (userId) =>
        this.logins.forget((login) => !login || userId === '' || login.userId === userId),
      ),
      this.#notifier.on('tiers', () => this.tiers.forget()),
      this.#notifier.on('lost', () => this.#limitAge(UNHEARD_MS)),
      this.#notifier.on('missed', () => {
        this.logins.forget();
        this.tiers.forget();
        this.#limitAge(Infinity);
      }),
    ];
  }

  protected async onStop(): Promise<void> {
    for (const stop of this.#unlisten) stop();
  }

  #limitAge(ms: number): void {
    this.logins.limitAge(ms);
    this.tiers.limitAge(ms);
  }
}
