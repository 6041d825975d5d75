import { timingSafeEqual } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { QueryCache } from '../cache/query-cache.ts';
import type { Database } from '../db/pools.ts';
import { type LimitOverrides, limitsInForce } from '../domain/limit-overrides.ts';
import type { Scope } from '../domain/scope.ts';
import type { Tier } from '../domain/tier.ts';
import { CodedError } from '../kernel/errors.ts';
import { hashKey, looksLikeKey } from './key-format.ts';
import { findTier } from './tiers.ts';
import { getUser } from './users.ts';

/** The user and the key that a request was made with. */
export interface Principal {
  userId: string;
  keyId: string;
  /** with the user's own limits over it */
  tier: Tier;
  /** what the key may do */
  scopes: readonly Scope[];
}

/** A valid key, its user, their tier, and their limits over it. */
export interface Login {
  keyId: string;
  userId: string;
  tier: string;
  /** what is not as the tier says */
  limits: LimitOverrides;
  scopes: readonly Scope[];
  /** Unix time in milliseconds; undefined: never */
  expiresAt: number | undefined;
}

interface PrincipalsOptions {
  db: Database;
  /** by a key's hash; undefined: there is no such key */
  logins: QueryCache<Login | undefined>;
  /** by name */
  tiers: QueryCache<Tier | undefined>;
  /** called at each use of a key */
  onUse: (keyId: string) => void;
}

export class Principals {
  readonly #options: PrincipalsOptions;

  constructor(options: PrincipalsOptions) {
    this.#options = options;
  }

  /** @throws CodedError `unauthenticated`, the same for a key that is malformed, unknown, revoked or expired */
  async find(bearer: string): Promise<Principal> {
    const { db, logins, tiers, onUse } = this.#options;
    if (!looksLikeKey(bearer)) throw refused();
    const login = await logins.get(hashKey(bearer).toString('base64'), () => findLogin(db, bearer));
    if (!login || (login.expiresAt ?? Infinity) <= Date.now()) throw refused();
    const tier = await tiers.get(login.tier, () => findTier(db, login.tier));
    if (!tier) throw refused(); // not expected: a tier with subscriptions cannot be deleted
    onUse(login.keyId);
    return principalOf(login, tier);
  }

  /**
   * The user whose requests without a key are, with the right to jobs only.
   * @param email undefined: a key is required
   * @throws CodedError `unauthenticated`
   */
  async ofUser(email: string | undefined): Promise<Principal> {
    const { db, logins, tiers } = this.#options;
    const login = email === undefined ? undefined : await logins.get(`user ${email}`, () => loginOf(db, email));
    const tier = login && (await tiers.get(login.tier, () => findTier(db, login.tier)));
    if (!login || !tier) throw refused();
    return principalOf(login, tier);
  }

  /** Whether a key that was valid still is. While that cannot be found out, it is. */
  async isValid(bearer: string): Promise<boolean> {
    try {
      await this.find(bearer);
      return true;
    } catch (error) {
      return !(error instanceof CodedError);
    }
  }
}

function principalOf({ userId, keyId, scopes, limits }: Login, tier: Tier): Principal {
  return { userId, keyId, tier: limitsInForce(tier, limits), scopes };
}

/** One message for every key that is not valid. */
export const refused = () =>
  new CodedError(
    'unauthenticated',
    'Authorization: the API key is not valid; allowed: Bearer pdf_…, created with `pdfprompt keys create`',
  );

/** What requests without a key may do. */
const WITHOUT_KEY: readonly Scope[] = ['jobs:read', 'jobs:write'];

/** A login without a key, of a user with this email. @returns undefined if there is none */
async function loginOf(db: Database, email: string): Promise<Login | undefined> {
  const found = await getUser(db, { email }).catch((error: unknown) => {
    if (error instanceof CodedError && error.code === 'not_found') return undefined;
    throw error;
  });
  if (!found || found.tier === null) return undefined;
  return {
    keyId: '',
    userId: found.id,
    tier: found.tier,
    limits: found.limits,
    scopes: WITHOUT_KEY,
    expiresAt: undefined,
  };
}

/** @returns undefined for a key that is malformed, unknown, revoked or expired */
export async function findLogin(db: Database, bearer: string): Promise<Login | undefined> {
  if (!looksLikeKey(bearer)) return undefined;
  const hash = hashKey(bearer);
  const [row] = await db.execute<{
    id: string;
    hash: Buffer;
    user_id: string;
    tier: string;
    limits: LimitOverrides;
    scopes: string;
    expires_at: string | null;
  }>(sql`
    select k.id, k.hash, k.user_id, s.tier, u.limits, array_to_string(k.scopes, ' ') as scopes, k.expires_at from pdfprompt_api_key k
    join pdfprompt_user u on u.id = k.user_id
    join pdfprompt_user_subscription s on s.user_id = k.user_id and s.ended_at is null
    where k.hash = ${hash} and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`);
  if (!row || !timingSafeEqual(row.hash, hash)) return undefined;
  return {
    keyId: row.id,
    userId: row.user_id,
    tier: row.tier,
    limits: row.limits,
    scopes: row.scopes.split(' ') as Scope[],
    expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at).getTime(),
  };
}
