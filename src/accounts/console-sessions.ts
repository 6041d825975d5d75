import { createHash, randomBytes } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { consoleSession } from '../db/schema.ts';
import { type Permissions, permissionsOf, type Scope } from '../domain/scope.ts';

/** Seconds that a session lasts. */
export const SESSION_SECONDS = 8 * 3_600;

/** Somebody who is signed in, in a browser: to the console if a scope allows it, otherwise to the studio alone. */
export interface ConsoleSession {
  userId: string;
  email: string;
  /** name of the user's tier */
  tier: string;
  /** what the key may do */
  scopes: readonly Scope[];
  may: Permissions;
  keyId: string;
  /** how the key begins */
  keyPrefix: string;
  expiresAt: Date;
}

const TOKEN = /^[\w-]{43}$/;
const hashOf = (token: string) => createHash('sha256').update(token).digest();

/** Creates a session for a key that was checked. @returns 256 random bits for the cookie; only their hash is stored */
export async function createSession(db: Database, { keyId }: { keyId: string }): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const expiresAt = sql`now() + ${SESSION_SECONDS} * interval '1 second'`;
  await db.insert(consoleSession).values({ tokenHash: hashOf(token), keyId, expiresAt });
  return token;
}

/**
 * A session, with its key as it is now: a session ends at once when its key is revoked or expires, or its user's
 * subscription ends. What the scopes allow is for the caller to decide.
 * @returns undefined if there is no such session, or it has ended
 */
export async function findSession(db: Database, token: string): Promise<ConsoleSession | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const [row] = await db.execute<{
    user_id: string;
    email: string;
    tier: string;
    scopes: string;
    key_id: string;
    prefix: string;
    expires_at: string;
  }>(sql`
    select u.id as user_id, u.email, s.tier, array_to_string(k.scopes, ' ') as scopes, k.id as key_id, k.prefix,
      c.expires_at
    from pdfprompt_console_session c
    join pdfprompt_api_key k on k.id = c.key_id
    join pdfprompt_user u on u.id = k.user_id
    join pdfprompt_user_subscription s on s.user_id = k.user_id and s.ended_at is null
    where c.token_hash = ${hashOf(token)} and c.expires_at > now() and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now())`);
  if (!row) return undefined;
  const { user_id: userId, email, tier, key_id: keyId, prefix: keyPrefix } = row;
  const scopes = row.scopes.split(' ') as Scope[];
  return {
    userId,
    email,
    tier,
    scopes,
    may: permissionsOf(scopes),
    keyId,
    keyPrefix,
    expiresAt: new Date(row.expires_at),
  };
}

/** Ends a session; does nothing if there is none. */
export async function endSession(db: Database, token: string): Promise<void> {
  await db.delete(consoleSession).where(eq(consoleSession.tokenHash, hashOf(token)));
}

/** @returns how many of at most `limit` were deleted */
export async function deleteExpiredSessions(db: Database, limit: number): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_console_session where token_hash = any (array(
      select token_hash from pdfprompt_console_session where expires_at < now() limit ${limit} for update skip locked))
    returning 1`);
  return rows.length;
}
