import type { AdminAbout } from './about.ts';
import type { Logger } from './log.ts';

/** Identifies what was done to a key. Never the key itself. */
interface KeyAbout extends AdminAbout {
  keyId: string;
  userId: string;
}

/** What is done to users, keys and tiers; {@link Events} has it. */
export class AccountEvents {
  readonly #log: Logger;

  readonly userCreated = (user: AdminAbout & { userId: string; tier: string | null }): void =>
    this.#log.info('user.created', user);
  /** With all their data; by an operator, or by a worker that continued an erasure that was interrupted. */
  readonly userErased = (user: Partial<AdminAbout> & { userId: string; jobs: number }): void =>
    this.#log.info('user.erased', user);
  /** The user and the subscription were created too, if they were new. */
  readonly keyCreated = (
    key: KeyAbout & { tier: string | null; scopes: readonly string[]; expiresAt: string | null },
  ): void => this.#log.info('key.created', key);
  /** `keyId` is the new one. */
  readonly keyRotated = (key: KeyAbout & { replaces: string; replacedExpiresAt: string }): void =>
    this.#log.info('key.rotated', key);
  readonly keyRevoked = (key: KeyAbout): void => this.#log.info('key.revoked', key);
  readonly subscriptionSet = (user: AdminAbout & { userId: string; tier: string | null }): void =>
    this.#log.info('subscription.set', user);
  /** What of a user is not as the tier says; nothing: all is. */
  readonly limitsSet = (user: AdminAbout & { userId: string; limits: object }): void =>
    this.#log.info('limits.set', user);
  readonly tierDefined = (
    tier: AdminAbout & {
      tier: string;
      requestsPerMinute: number | null;
      requestsPerDay: number | null;
      priority: number;
      retention?: number | null | undefined;
      isNew: boolean;
    },
  ): void => this.#log.info('tier.defined', tier);
  readonly tierDeleted = (tier: AdminAbout & { tier: string }): void => this.#log.info('tier.deleted', tier);

  constructor(log: Logger) {
    this.#log = log;
  }
}
