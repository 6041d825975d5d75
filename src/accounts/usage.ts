import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { forTenant } from '../db/tenant.ts';
import type { Limits } from '../domain/tier.ts';
import { type Allowance, allowances, type TenantUse } from './limits.ts';

/** What was charged on one UTC day. */
export interface UsageDay {
  /** YYYY-MM-DD */
  day: string;
  completed: number;
  pages: number;
  bytes: number;
}

/** What a user has used of their limits now, and what they were charged, newest day first. */
export async function readUsage(
  db: Queryable,
  { userId, limits, days }: { userId: string; limits: Limits; days: number },
): Promise<{ allowances: Allowance[]; today: UsageDay; history: UsageDay[] }> {
  const [row] = await db.execute<TenantUse & { today: string; history: UsageDay[] }>(sql`
    with now as (select clock_timestamp() as at),
    l as (
      select recent, day, day_count from pdfprompt_lane where ${forTenant(userId)} and user_id = ${userId}
      union all
      select '{}', null, 0
      limit 1
    )
    select (now.at at time zone 'utc')::date::text as today, used.*,
      coalesce((
        select json_agg(json_build_object('day', u.day, 'completed', u.completed, 'pages', u.pages, 'bytes', u.bytes) order by u.day desc)
        from pdfprompt_usage_history u
        where ${forTenant(userId)} and u.user_id = ${userId} and u.day > (now.at at time zone 'utc')::date - ${days}::integer
      ), '[]') as history
    from now, l, pdfprompt_use(l.recent, l.day, l.day_count, ${limits.requestsPerMinute}::integer, now.at) as used`);
  if (!row) throw new Error('the database returned no row for a query that always has one');
  const { today, history } = row;
  return {
    allowances: allowances(limits, row),
    today: history.find(({ day }) => day === today) ?? { day: today, completed: 0, pages: 0, bytes: 0 },
    history,
  };
}
