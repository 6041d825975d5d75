import { and, eq, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Transaction } from '../db/pools.ts';
import { user, userSubscription } from '../db/schema.ts';
import { CodedError } from '../kernel/errors.ts';
import { requireTier } from './tiers.ts';
import { getUser, type User } from './users.ts';

/**
 * Puts a user on a tier, from now on.
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
 * The same as a part of another verb: without a tier the user stays where they are, or starts on `otherwise`.
 * @returns the tier in force afterwards
 * @throws CodedError `not_found` for a user who is being erased, `invalid_request` for a tier that is not there
 */
export async function subscribe(
  tx: Transaction,
  input: { userId: string; tier: string | undefined; otherwise: string },
): Promise<string> {
  const inForce = and(eq(userSubscription.userId, input.userId), isNull(userSubscription.endedAt));
  // One change at a time, or two would both begin a subscription.
  const isThere = and(eq(user.id, input.userId), isNull(user.erasedAt));
  const [owner] = await tx.select({ id: user.id }).from(user).where(isThere).for('no key update');
  if (!owner) throw new CodedError('not_found', `there is no user ${input.userId}`);
  const [current] = await tx.select({ tier: userSubscription.tier }).from(userSubscription).where(inForce);
  const wanted = input.tier ?? current?.tier ?? input.otherwise;
  await requireTier(tx, wanted);
  if (current?.tier === wanted) return wanted;
  // Not now(), which is when the transaction began: it may have waited for another change.
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
