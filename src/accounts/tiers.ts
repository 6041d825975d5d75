import { asc, count, eq, sql } from 'drizzle-orm';
import type { Database, Queryable, Transaction } from '../db/pools.ts';
import { tier, userSubscription } from '../db/schema.ts';
import { checkInput } from '../domain/check-input.ts';
import { type Tier, tierNameSchema, tierSchema } from '../domain/tier.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';

const columns = {
  name: tier.name,
  requestsPerMinute: tier.requestsPerMinute,
  requestsPerDay: tier.requestsPerDay,
  priority: tier.priority,
  retention: tier.retentionSeconds,
};

/** Every tier, from the lowest priority to the highest. */
export async function listTiers(db: Queryable): Promise<Tier[]> {
  return db.select(columns).from(tier).orderBy(asc(tier.priority), asc(tier.name));
}

export async function findTier(db: Queryable, name: string): Promise<Tier | undefined> {
  const [found] = await db.select(columns).from(tier).where(eq(tier.name, name));
  return found;
}

/**
 * Creates a tier, or changes the limits of the one with this name, at once for all its users.
 * @throws CodedError `invalid_request`
 */
export async function defineTier(db: Database, input: Tier): Promise<{ tier: Tier; isNew: boolean }> {
  const { name, retention: retentionSeconds = null, ...rest } = checkInput(tierSchema, input);
  const limits = { ...rest, retentionSeconds };
  const [row] = await db
    .insert(tier)
    .values({ name, ...limits })
    .onConflictDoUpdate({ target: tier.name, set: { ...limits, updatedAt: sql`now()` } })
    .returning({ ...columns, isNew: sql<boolean>`xmax = 0` });
  if (!row) throw new Error('the database returned no row for a tier that it wrote');
  const { isNew, ...written } = row;
  return { tier: written, isNew };
}

/** @throws CodedError `not_found`, and `tier_in_use` while it has users */
export async function deleteTier(db: Database, name: string): Promise<void> {
  if (!tierNameSchema.safeParse(name).success) throw noTier(name);
  await db.transaction(async (tx) => {
    // The lock keeps users from being put on it: see requireTier.
    const [found] = await tx.select({ name: tier.name }).from(tier).where(eq(tier.name, name)).for('update');
    if (!found) throw noTier(name);
    const [users] = await tx
      .select({ count: count() })
      .from(userSubscription)
      .where(eq(userSubscription.tierInForce, name));
    if (users && users.count > 0) {
      throw new CodedError(
        'tier_in_use',
        `${users.count === 1 ? '1 user is' : `${users.count} users are`} on the tier ${name}; allowed: a tier that nobody is on`,
      );
    }
    await tx.delete(tier).where(eq(tier.name, name));
  });
}

/**
 * Ensures that the tier exists until the transaction ends.
 * @throws CodedError `invalid_request` that lists the tiers
 */
export async function requireTier(tx: Transaction, name: string): Promise<void> {
  const [found] = await tx.select({ name: tier.name }).from(tier).where(eq(tier.name, name)).for('key share');
  if (found) return;
  const names = (await listTiers(tx)).map((each) => each.name).join(', ');
  throw invalidFields([
    { field: 'tier', message: `there is no tier ${JSON.stringify(name).slice(0, 100)}; allowed: ${names}` },
  ]);
}

const noTier = (name: string) => new CodedError('not_found', `there is no tier ${name.slice(0, 100)}`);
