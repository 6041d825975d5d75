import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import type { Scope } from '../domain/scope.ts';

/** A session that has not ended. */
export interface ListedSession {
  id: string;
  userId: string;
  email: string;
  /** how its key begins; null: it was begun with a link */
  keyPrefix: string | null;
  scopes: Scope[];
  /** where its browser was when it began; null: the last release has begun it */
  address: string | null;
  /** as the browser calls itself */
  browser: string | null;
  createdAt: Date;
  /** to about a minute */
  lastUsedAt: Date;
  expiresAt: Date;
}

/** Sessions of one user or of all, newest first. `cursor` is the id of the last session of the previous page. */
export async function listSessions(
  db: Database,
  { userId, limit, cursor }: { userId?: string | undefined; limit: number; cursor?: string | undefined },
): Promise<{ sessions: ListedSession[]; next: string | null }> {
  const rows = await db.execute<{
    id: string;
    user_id: string;
    email: string;
    prefix: string | null;
    scopes: string;
    address: string | null;
    browser: string | null;
    created_at: string;
    last_used_at: string;
    expires_at: string;
  }>(sql`
    select c.id, u.id as user_id, u.email, k.prefix, array_to_string(coalesce(c.scopes, k.scopes), ' ') as scopes,
      c.address, c.browser, c.created_at, c.last_used_at, c.expires_at
    from pdfprompt_console_session c
    left join pdfprompt_api_key k on k.id = c.key_id
    join pdfprompt_user u on u.id = coalesce(k.user_id, c.user_id) and u.erased_at is null
    where c.expires_at > now()
      and (c.key_id is null or k.revoked_at is null and (k.expires_at is null or k.expires_at > now()))
      ${userId === undefined ? sql`` : sql`and ${isOf(userId)}`} ${cursor === undefined ? sql`` : sql`and c.id < ${cursor}::uuid`}
    order by c.id desc limit ${limit + 1}`);
  const sessions = rows.slice(0, limit).map((row) => ({
    id: row.id,
    userId: row.user_id,
    email: row.email,
    keyPrefix: row.prefix,
    scopes: row.scopes.split(' ') as Scope[],
    address: row.address,
    browser: row.browser,
    createdAt: new Date(row.created_at),
    lastUsedAt: new Date(row.last_used_at),
    expiresAt: new Date(row.expires_at),
  }));
  return { sessions, next: rows.length > limit ? (sessions.at(-1)?.id ?? null) : null };
}

/**
 * Ends one session.
 * @param userId only if it is theirs
 * @returns whose it was; undefined if there is none
 */
export async function endSessionById(
  db: Database,
  { id, userId }: { id: string; userId?: string | undefined },
): Promise<{ userId: string } | undefined> {
  const [row] = await db.execute<{ user_id: string }>(sql`
    with ended as (
      delete from pdfprompt_console_session c where c.id = ${id}::uuid ${userId === undefined ? sql`` : sql`and ${isOf(userId)}`}
      returning c.user_id, c.key_id
    )
    select coalesce(e.user_id, k.user_id) as user_id from ended e left join pdfprompt_api_key k on k.id = e.key_id`);
  return row && { userId: row.user_id };
}

/** Ends every session of a user, and takes back links that were not used yet. @returns how many sessions there were */
export async function endSessionsOf(db: Database, userId: string): Promise<number> {
  const rows = await db.execute(sql`
    with links as (delete from pdfprompt_sign_in_link where user_id = ${userId}::uuid)
    delete from pdfprompt_console_session c where ${isOf(userId)} returning 1`);
  return rows.length;
}

/** Each by its index. The last release does not write whose a session is. */
const isOf = (userId: string): SQL =>
  sql`c.id = any (array(
    select id from pdfprompt_console_session where user_id = ${userId}::uuid
    union all select s.id from pdfprompt_api_key k join pdfprompt_console_session s on s.key_id = k.id where k.user_id = ${userId}::uuid))`;
