import { sql } from 'drizzle-orm';
import { type CreatedKey, createKey } from '../../src/accounts/keys.ts';
import { Limiter } from '../../src/accounts/limits.ts';
import { type Login, type Principal, Principals } from '../../src/accounts/principals.ts';
import { KnownAnswers } from '../../src/cache/known-answers.ts';
import { QueryCache } from '../../src/cache/query-cache.ts';
import type { Database } from '../../src/db/pools.ts';
import type { Tier } from '../../src/domain/tier.ts';

const nothingKept = { max: 0, maxSize: 1, ttlMs: 0, onRequest: () => undefined };

/** Who a key belongs to, asked of the database. */
export function principalOf(db: Database, key: string): Promise<Principal> {
  const caches = {
    logins: new QueryCache<Login | undefined>(nothingKept),
    tiers: new QueryCache<Tier | undefined>(nothingKept),
  };
  return new Principals({ db, ...caches, onUse: () => undefined }).find(key);
}

/** A limiter that remembers nobody. */
export function forgetfulLimiter(): Limiter {
  return new Limiter({ refusals: new KnownAnswers(nothingKept), ttlMs: 0 });
}

/** A key of a user like an enterprise's, but without limits: for what is not about them. */
export async function createUnlimitedKey(db: Database, email: string): Promise<CreatedKey> {
  await db.execute(sql`insert into pdfprompt_tier values ('unlimited', null, null, 2) on conflict do nothing`);
  return createKey(db, { email, tier: 'unlimited' });
}

/** The same user on a tier that has no limits. @param priority of that tier, the old one's if none is named */
export async function withoutLimits(
  db: Database,
  principal: Principal,
  priority: number = principal.tier.priority,
): Promise<Principal> {
  const name = `unlimited_${priority}`;
  await db.execute(sql`insert into pdfprompt_tier values (${name}, null, null, ${priority}) on conflict do nothing`);
  await db.execute(
    sql`update pdfprompt_user_subscription set tier = ${name} where user_id = ${principal.userId} and ended_at is null`,
  );
  return { ...principal, tier: { name, requestsPerMinute: null, requestsPerDay: null, priority } };
}
