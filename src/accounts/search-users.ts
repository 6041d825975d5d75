import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { afterPrefix } from '../domain/after-prefix.ts';
import { idPrefix } from '../domain/id-prefix.ts';

/** A user in a list for operators. */
export interface ListedUser {
  id: string;
  email: string;
  /** null only if the subscription was removed by hand, in SQL */
  tier: string | null;
  /** when a key of theirs was used last; ISO 8601 in UTC */
  lastUsedAt: string | null;
  /** ISO 8601 in UTC */
  createdAt: string;
}

export const USER_ORDERS = ['newest', 'oldest', 'email'] as const;
export type UserOrder = (typeof USER_ORDERS)[number];

interface SearchInput {
  /** the beginning of an email or of an id */
  start?: string | undefined;
  order: UserOrder;
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

/** A page of users whose email or id begins with a text. Those who are being erased are not in it. */
export async function searchUsers(
  db: Queryable,
  { start = '', order, limit, cursor }: SearchInput,
): Promise<{ users: ListedUser[]; next: string | null }> {
  const isByEmail = order === 'email';
  const rows = await db.execute<ListedUser & Record<string, unknown>>(sql`
    select u.id, u.email, s.tier, pdfprompt_time_text(u.created_at) as "createdAt",
      (select pdfprompt_time_text(max(k.last_used_at)) from pdfprompt_api_key k where k.user_id = u.id) as "lastUsedAt"
    from (
      select u.id, u.email, u.created_at from pdfprompt_user u
      where u.erased_at is null and ${startsWith(start)} and ${cursor === undefined ? sql`true` : after(order, cursor)}
      order by ${isByEmail ? sql`u.email collate "C"` : order === 'newest' ? sql`u.id desc` : sql`u.id`}
      limit ${sql.raw(String(Math.trunc(limit + 1)))}
    ) as u
    left join pdfprompt_user_subscription s on s.user_id = u.id and s.ended_at is null
    order by ${isByEmail ? sql`u.email collate "C"` : order === 'newest' ? sql`u.id desc` : sql`u.id`}`);
  const users = rows.slice(0, limit);
  const last = users.at(-1);
  return { users, next: rows.length > limit && last ? (isByEmail ? last.email : last.id) : null };
}

function startsWith(start: string): SQL {
  if (start === '') return sql`true`;
  const range = idPrefix(start);
  if (range) return sql`u.id between ${range.first}::uuid and ${range.last}::uuid`;
  const email = start.toLowerCase();
  return sql`u.email collate "C" >= ${email} and u.email collate "C" < ${afterPrefix(email)}`;
}

function after(order: UserOrder, cursor: string): SQL {
  if (order === 'email') return sql`u.email collate "C" > ${cursor}`;
  return order === 'newest' ? sql`u.id < ${cursor}::uuid` : sql`u.id > ${cursor}::uuid`;
}
