import { and, eq, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Transaction } from '../db/pools.ts';
import { user, userSubscription } from '../db/schema.ts';
import { CodedError } from '../kernel/errors.ts';
import { requireTier } from './tiers.ts';
import { getUser, type User } from './users.ts';

/**
 * Changes the tier of a user.
 * @throws CodedError `not_found` for the user, `invalid_request` for the tier
 */
export async function setTier(db: Database, input: { userId: string; tier: string }): Promise<User> {
  return db.transaction(async (tx) => {
    const { id } = await getUser(tx, { id: input.userId });
    await subscribe(tx, { userId: id, tier: input.tier, otherwise: input.tier });
    return getUser(tx, { id });
  });
}

/**
 * The same as part of a transaction. Without `tier` the user keeps theirs, or starts on `otherwise`.
 * @returns the tier afterwards
 * @throws CodedError `not_found` for a user who is being erased, `invalid_request` for an unknown tier
 */
export async function subscribe(
  tx: Transaction,
  input: { userId: string; tier: string | undefined; otherwise: string },
): Promise<string> {
  const inForce = and(eq(userSubscription.userId, input.userId), isNull(userSubscription.endedAt));
  // The lock allows one change at a time: two could both insert a subscription.
  const isThere = and(eq(user.id, input.userId), isNull(user.erasedAt));
  const [owner] = await tx.select({ id: user.id }).from(user).where(isThere).for('no key update');
  if (!owner) throw new CodedError('not_found', `there is no user ${input.userId}`);
  const [current] = await tx.select({ tier: userSubscription.tier }).from(userSubscription).where(inForce);
  const wanted = input.tier ?? current?.tier ?? input.otherwise;
  await requireTier(tx, wanted);
  if (current?.tier === wanted) return wanted;
  // Not now(), the start of the transaction: it may have waited for another change since.
  if (current)
    await tx
      .update(userSubscription)
      .set({ endedAt: sql`clock_timestamp()` })
      .where(inForce);
  await tx
    .insert(userSubscription)
    .values({ id: uuidv7(), userId: input.userId, tier: wanted, startedAt: sql`clock_timestamp()` });
  return wanted;
}
