import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/pools.ts';
import { user } from '../db/schema.ts';
import { checkInput } from '../domain/check-input.ts';
import { type LimitOverrides, limitOverridesSchema, limitsInForce } from '../domain/limit-overrides.ts';
import type { Tier } from '../domain/tier.ts';
import { CodedError } from '../kernel/errors.ts';
import { findTier } from './tiers.ts';
import { getUser, type User } from './users.ts';

/**
 * The tier of a user with their own limits over it: what holds for every submission of theirs.
 * @returns undefined if the user has no tier, which only somebody with SQL can do
 * @throws CodedError `not_found`
 */
export async function readLimitsInForce(
  db: Queryable,
  which: { id: string } | { email: string },
): Promise<Tier | undefined> {
  // prettier-ignore
  const { tier: name, limits } = await getUser(db, which);
  const tier = name === null ? undefined : await findTier(db, name);
  return tier && limitsInForce(tier, limits);
}

/**
 * Gives a user limits of their own over those of the tier, at once in every process. What was accepted before counts
 * towards them. Submissions that are waiting for their turn go by the new ones.
 * @param limits all of them: a field that is absent is as the tier says; `{}` for none
 * @param isChange whether limits that are absent stay as they are instead
 * @throws CodedError `not_found`, `invalid_request`
 */
export async function setLimits(
  db: Database,
  { userId, limits, isChange = false }: { userId: string; limits: LimitOverrides; isChange?: boolean },
): Promise<User> {
  const checked = JSON.stringify(checkInput(limitOverridesSchema, limits));
  const { id } = await getUser(db, { id: userId });
  const rows = await db
    .update(user)
    .set({ limits: isChange ? sql`${user.limits} || ${checked}::text::jsonb` : sql`${checked}::text::jsonb` })
    .where(and(eq(user.id, id), isNull(user.erasedAt)))
    .returning({ id: user.id });
  if (rows.length === 0) throw new CodedError('not_found', `there is no user ${id}`);
  return getUser(db, { id });
}
