import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '../db/pools.ts';
import { signInLink } from '../db/schema.ts';
import { checkInput } from '../domain/check-input.ts';
import { emailSchema } from '../domain/email.ts';
import { allows, orderedScopes, type Scope, scopesSchema } from '../domain/scope.ts';
import { DEFAULT_TIER } from '../domain/tier.ts';
import { invalidFields } from '../kernel/errors.ts';
import { record } from './audit.ts';
import { type Browser, createSession, newToken, tokenHashOf } from './console-sessions.ts';
import { subscribe } from './subscriptions.ts';
import { ensureUser } from './users.ts';

/** Seconds that a link works. */
const LINK_SECONDS = 900;
/** Whose session it is if nobody is named: of anyone who may use the shell of the server. */
const LINK_USER = 'operator@localhost';

export interface SignInLink {
  /** shown once, never again */
  token: string;
  user: string;
  userId: string;
  scopes: Scope[];
  expiresAt: string;
}

const newLinkSchema = z.strictObject({
  email: emailSchema.default(LINK_USER),
  scopes: scopesSchema.default(['admin']),
});

/**
 * Makes a link that signs in to the console once. The user is created too, if new.
 * @throws CodedError `invalid_request` for an email, or for scopes that do not open the console
 */
export async function createSignInLink(
  db: Database,
  input: { email?: string | undefined; scopes?: readonly string[] | undefined },
): Promise<SignInLink> {
  const { email, scopes: wanted } = checkInput(newLinkSchema, input);
  const scopes = orderedScopes(wanted);
  if (!allows(scopes, 'console:read'))
    throw invalidFields([
      { field: 'scopes', message: `${scopes.join(', ')} does not open the console; allowed: console:read, operator or admin among them` }, // prettier-ignore
    ]);
  return db.transaction(async (tx) => {
    const { id: userId } = await ensureUser(tx, email);
    await subscribe(tx, { userId, tier: undefined, otherwise: DEFAULT_TIER });
    const { token, tokenHash } = newToken();
    const expiresAt = sql`now() + ${LINK_SECONDS} * interval '1 second'`;
    const [row] = await tx
      .insert(signInLink)
      .values({ tokenHash, userId, scopes, expiresAt })
      .returning({ expiresAt: signInLink.expiresAt });
    if (!row) throw new Error('no link was made');
    await record(tx, { what: 'made a sign-in link', by: undefined, subjectUserId: userId });
    return { token, user: email, userId, scopes, expiresAt: row.expiresAt.toISOString() };
  });
}

/**
 * Begins the session of a link, which no longer works from then on.
 * @returns undefined if there is no such link, it is too old, or it was used
 */
export async function useSignInLink(
  db: Database,
  { token, browser }: { token: string; browser: Browser },
): Promise<{ userId: string; scopes: readonly Scope[]; session: { id: string; token: string } } | undefined> {
  const tokenHash = tokenHashOf(token);
  if (!tokenHash) return undefined;
  return db.transaction(async (tx) => {
    const [link] = await tx.execute<{ user_id: string; scopes: string }>(sql`
      delete from pdfprompt_sign_in_link where token_hash = ${tokenHash} and expires_at > now()
      returning user_id, array_to_string(scopes, ' ') as scopes`);
    if (!link) return undefined;
    const { user_id: userId } = link;
    const scopes = link.scopes.split(' ') as Scope[];
    return { userId, scopes, session: await createSession(tx, { userId, scopes }, browser) };
  });
}

/** @returns how many of at most `limit` were deleted */
export async function deleteExpiredLinks(db: Database, limit: number): Promise<number> {
  const rows = await db.execute(sql`
    delete from pdfprompt_sign_in_link where token_hash = any (array(
      select token_hash from pdfprompt_sign_in_link where expires_at < now() limit ${limit} for update skip locked))
    returning 1`);
  return rows.length;
}
