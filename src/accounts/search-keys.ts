import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import type { ListedKey } from './keys.ts';

export const KEY_STATES = ['valid', 'expired', 'revoked'] as const;
export type KeyState = (typeof KEY_STATES)[number];

export interface FoundKey extends ListedKey {
  state: KeyState;
  /** the id of the key that replaced it */
  replacedBy: string | null;
}

interface SearchInput {
  userId?: string | undefined;
  /** the beginning of the key, as much as is kept of it */
  start?: string | undefined;
  state?: KeyState | undefined;
  limit: number;
  /** `next` of the page before */
  cursor?: string | undefined;
}

/** Keys that are looked through for one page, newest first: no index has how they begin. */
const WINDOW = 5_000;

const STATE = sql`case when k.revoked_at is not null then 'revoked' when k.expires_at <= now() then 'expired' else 'valid' end`;

/**
 * A page of the keys of all users, or of one, newest first. It may have fewer than `limit`, or none, while there are older
 * ones: then `next` is set all the same.
 */
export async function searchKeys(
  db: Queryable,
  { userId, start, state, limit, cursor }: SearchInput,
): Promise<{ keys: FoundKey[]; next: string | null }> {
  const within = sql`${userId === undefined ? sql`true` : sql`k.user_id = ${userId}::uuid`}
    and ${cursor === undefined ? sql`true` : sql`k.id < ${cursor}::uuid`}`;
  const isFiltered = start !== undefined || state !== undefined;
  const wanted = sql`${start === undefined ? sql`true` : sql`starts_with(k.prefix, ${start})`}
    and ${state === undefined ? sql`true` : sql`${STATE} = ${state}`}`;
  const rows = await db.execute<FoundKey & Record<string, unknown>>(
    select(sql`
      select k.* from (select * from pdfprompt_api_key k where ${within} order by k.id desc limit ${number(isFiltered ? WINDOW : limit + 1)}) as k
      where ${wanted} order by k.id desc limit ${number(limit + 1)}`),
  );
  const keys = rows.slice(0, limit);
  if (rows.length > limit) return { keys, next: keys.at(-1)?.id ?? null };
  return { keys, next: isFiltered ? await endOfWindow(db, within) : null };
}

/** One key of any user; undefined if there is none. */
export async function findKey(db: Queryable, id: string): Promise<FoundKey | undefined> {
  const [row] = await db.execute<FoundKey & Record<string, unknown>>(
    select(sql`select * from pdfprompt_api_key where id = ${id}::uuid`),
  );
  return row;
}

const number = (value: number) => sql.raw(String(Math.trunc(value)));

const select = (keys: SQL) => sql`
  select k.id, u.email as user, k.user_id as "userId", s.tier, k.prefix, to_json(k.scopes) as scopes, ${STATE} as state,
    pdfprompt_time_text(k.created_at) as "createdAt", pdfprompt_time_text(k.last_used_at) as "lastUsedAt",
    pdfprompt_time_text(k.expires_at) as "expiresAt", pdfprompt_time_text(k.revoked_at) as "revokedAt", k.replaces,
    (select n.id from pdfprompt_api_key n where n.user_id = k.user_id and n.replaces = k.id limit 1) as "replacedBy"
  from (${keys}) as k
  join pdfprompt_user u on u.id = k.user_id
  left join pdfprompt_user_subscription s on s.user_id = k.user_id and s.ended_at is null
  order by k.id desc`;

/** @returns the last key that was looked at, if there are older ones */
async function endOfWindow(db: Queryable, within: SQL): Promise<string | null> {
  const rows = await db.execute<{ id: string }>(
    sql`select k.id from pdfprompt_api_key k where ${within} order by k.id desc offset ${number(WINDOW - 1)} limit 2`,
  );
  return rows.length > 1 ? (rows[0]?.id ?? null) : null;
}
