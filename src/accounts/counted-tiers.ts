import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import type { Tier } from '../domain/tier.ts';
import { listTiers } from './tiers.ts';
import { MOST_COUNTED } from './user-overview.ts';

/** Every tier and how many users are on it, {@link MOST_COUNTED} at most, from the lowest priority to the highest. */
export async function countedTiers(db: Queryable): Promise<(Tier & { users: number })[]> {
  const tiers = await listTiers(db);
  const counts = await db.execute<{ name: string; users: number }>(sql`
    select t.name, (select count(*)::integer from (
      select 1 from pdfprompt_user_subscription s where s.tier_in_force = t.name limit ${sql.raw(String(MOST_COUNTED))}) as counted) as users
    from pdfprompt_tier t`);
  const users = new Map(counts.map((row) => [row.name, row.users]));
  return tiers.map((tier) => ({ ...tier, users: users.get(tier.name) ?? 0 }));
}
