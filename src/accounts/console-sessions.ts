import { createHash, randomBytes } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Database, Queryable } from '../db/pools.ts';
import { consoleSession } from '../db/schema.ts';
import { type Permissions, permissionsOf, type Scope } from '../domain/scope.ts';

/** Seconds that a session lasts. */
export const SESSION_SECONDS = 8 * 3_600;

/** Somebody who is signed in, in a browser: to the console if a scope allows it, otherwise to the studio alone. */
export interface ConsoleSession {
  id: string;
  userId: string;
  email: string;
  /** name of the user's tier */
  tier: string;
  /** what the key may do, or what the link was made for */
  scopes: readonly Scope[];
  may: Permissions;
  /** empty: it was begun with a link */
  keyId: string;
  /** how the key begins; empty: there is none */
  keyPrefix: string;
  expiresAt: Date;
}

/** Where a browser is, and which one it says it is. */
export interface Browser {
  address: string;
  browser: string;
}

const TOKEN = /^[\w-]{43}$/;
/** Milliseconds that `last_used_at` may be late. */
const USE_MS = 60_000;

/** A secret of 256 random bits, and what is stored of it. */
export function newToken(): { token: string; tokenHash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, tokenHash: hashOf(token) };
}

/** @returns what is stored of a secret; undefined if it cannot be one */
export const tokenHashOf = (token: string) => (TOKEN.test(token) ? hashOf(token) : undefined);

const hashOf = (token: string) => createHash('sha256').update(token).digest();

/** What a session is begun with: a key that was checked, or a link, whose scopes it has from then on. */
type Begun = { userId: string } & ({ keyId: string } | { scopes: readonly Scope[] });

/** @returns 256 random bits for the cookie, of which only the hash is stored, and the id that names the session */
export async function createSession(
  db: Queryable,
  begun: Begun,
  { address, browser }: Browser,
): Promise<{ token: string; id: string }> {
  const { token, tokenHash } = newToken();
  const id = uuidv7();
  const { userId } = begun;
  await db.insert(consoleSession).values({
    tokenHash,
    id,
    userId,
    ...('keyId' in begun ? { keyId: begun.keyId } : { scopes: [...begun.scopes] }),
    expiresAt: sql`now() + ${SESSION_SECONDS} * interval '1 second'`,
    address: address.slice(0, 100),
    browser: browser.slice(0, 300),
  });
  return { token, id };
}

/**
 * A session, with its key as it is now: a session ends at once when its key is revoked or expires, or its user's
 * subscription ends. What the scopes allow is for the caller to decide.
 * @returns undefined if there is no such session, or it has ended
 */
export async function findSession(db: Database, token: string): Promise<ConsoleSession | undefined> {
  const tokenHash = tokenHashOf(token);
  if (!tokenHash) return undefined;
  const [row] = await db.execute<{
    id: string;
    user_id: string;
    email: string;
    tier: string;
    scopes: string;
    key_id: string | null;
    prefix: string | null;
    expires_at: string;
    last_used_at: string;
  }>(sql`
    select c.id, u.id as user_id, u.email, s.tier, array_to_string(coalesce(c.scopes, k.scopes), ' ') as scopes, c.key_id, k.prefix,
      c.expires_at, c.last_used_at
    from pdfprompt_console_session c
    left join pdfprompt_api_key k on k.id = c.key_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    join pdfprompt_user u on u.id = coalesce(k.user_id, c.user_id) and u.erased_at is null
    join pdfprompt_user_subscription s on s.user_id = u.id and s.ended_at is null
    where c.token_hash = ${tokenHash} and c.expires_at > now() and (c.key_id is null or k.id is not null)`);
  if (!row) return undefined;
  if (Date.parse(row.last_used_at) < Date.now() - USE_MS) await noteUse(db, tokenHash);
  const scopes = row.scopes.split(' ') as Scope[];
  return {
    id: row.id,
    userId: row.user_id,
    email: row.email,
    tier: row.tier,
    scopes,
    may: permissionsOf(scopes),
    keyId: row.key_id ?? '',
    keyPrefix: row.prefix ?? '',
    expiresAt: new Date(row.expires_at),
  };
}

/** Pages are shown all the same while the database cannot be written. */
async function noteUse(db: Database, tokenHash: Buffer): Promise<void> {
  const used = db.update(consoleSession).set({ lastUsedAt: sql`now()` });
  await used.where(eq(consoleSession.tokenHash, tokenHash)).catch(() => undefined);
}

/** Ends a session; does nothing if there is none. */
export async function endSession(db: Database, token: string): Promise<void> {
  const tokenHash = tokenHashOf(token);
  if (tokenHash) await db.delete(consoleSession).where(eq(consoleSession.tokenHash, tokenHash));
}

/** @returns how many of at most `limit` were deleted */
export async function deleteExpiredSessions(db: Database, limit: number): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_console_session where token_hash = any (array(
      select token_hash from pdfprompt_console_session where expires_at < now() limit ${limit} for update skip locked))
    returning 1`);
  return rows.length;
}
