import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7, validate as isUuid } from 'uuid';
import { z } from 'zod';
import type { Database, Queryable } from '../db/pools.ts';
import { apiKey, user, userSubscription } from '../db/schema.ts';
import { checkInput } from '../domain/check-input.ts';
import { OWN_SCOPES, orderedScopes, type Scope, scopesSchema } from '../domain/scope.ts';
import { DEFAULT_TIER } from '../domain/tier.ts';
import { CodedError, invalidFields } from '../kernel/errors.ts';
import { generateKey, hashKey, keyPrefix } from './key-format.ts';
import { subscribe } from './subscriptions.ts';
import { ensureUser, getUser, newUserSchema } from './users.ts';

export interface CreatedKey {
  id: string;
  /** shown once, never again */
  key: string;
  user: string;
  userId: string;
  /** null only if the subscription was removed by hand, in SQL */
  tier: string | null;
  scopes: Scope[];
  expiresAt: string | null;
}

export interface ListedKey {
  id: string;
  user: string;
  userId: string;
  /** null only if the subscription was removed by hand, in SQL */
  tier: string | null;
  prefix: string;
  scopes: Scope[];
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
  revokedAt: string | null;
  /** the id of the key that a rotation replaced by this one */
  replaces: string | null;
}

const EXPIRY = 'allowed: a time in the future, in ISO 8601 with its zone, such as 2031-12-31T00:00:00Z';

export const newKeySchema = newUserSchema
  .extend({
    scopes: scopesSchema.default([...OWN_SCOPES]),
    expiresAt: z.iso
      .datetime({ offset: true, error: EXPIRY })
      .optional()
      .meta({ description: 'The key is valid until then; without it, for ever' }),
  })
  .meta({ id: 'NewKey' });

/**
 * Creates a key; the user and the subscription too, if new. With `tier` an existing subscription is changed.
 * @throws CodedError `invalid_request` for an email, a tier, scopes or an expiry that is not allowed
 */
export async function createKey(
  db: Database,
  input: {
    email: string;
    tier?: string | undefined;
    scopes?: readonly string[] | undefined;
    expiresAt?: string | undefined;
  },
): Promise<CreatedKey> {
  const { email, tier: wanted, scopes, expiresAt: until } = checkInput(newKeySchema, input);
  const expiresAt = until === undefined ? null : new Date(until);
  if (expiresAt && expiresAt.getTime() <= Date.now()) throw invalidFields([{ field: 'expiresAt', message: EXPIRY }]);
  return db.transaction(async (tx) => {
    const { id: userId } = await ensureUser(tx, email);
    const tier = await subscribe(tx, { userId, tier: wanted, otherwise: DEFAULT_TIER });
    const key = generateKey();
    const row = { id: uuidv7(), userId, scopes: orderedScopes(scopes), expiresAt };
    await tx.insert(apiKey).values({ ...row, prefix: keyPrefix(key), hash: hashKey(key) });
    return { ...row, key, user: email, tier, expiresAt: expiresAt?.toISOString() ?? null };
  });
}

/**
 * Keys of one user or of all, oldest first, revoked and expired ones included. `cursor` is the id of the last key of
 * the previous page; without a limit everything is one page.
 * @throws CodedError `not_found` for the user, `invalid_request` for an email that is not valid
 */
export async function listKeys(
  db: Database,
  input: { email?: string | undefined; limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<{ data: ListedKey[]; nextCursor: string | null }> {
  const owner = input.email === undefined ? undefined : await getUser(db, { email: input.email });
  const query = select(db)
    .where(and(owner && eq(apiKey.userId, owner.id), input.cursor ? gt(apiKey.id, input.cursor) : undefined))
    .orderBy(asc(apiKey.id)); // UUIDv7: the order of creation
  const rows = await (input.limit === undefined ? query : query.limit(input.limit + 1));
  const data = rows.slice(0, input.limit).map(toListedKey);
  return { data, nextCursor: rows.length > data.length ? (data.at(-1)?.id ?? null) : null };
}

/** Revokes a key; does nothing if it is revoked. @throws CodedError `not_found` */
export async function revokeKey(db: Database, id: string): Promise<ListedKey> {
  if (!isUuid(id)) throw noKey(id);
  await db
    .update(apiKey)
    .set({ revokedAt: sql`coalesce(${apiKey.revokedAt}, now())` })
    .where(eq(apiKey.id, id));
  return getKey(db, id);
}

/** @throws CodedError `not_found` */
export async function getKey(db: Queryable, id: string): Promise<ListedKey> {
  const [row] = isUuid(id) ? await select(db).where(eq(apiKey.id, id)) : [];
  if (!row) throw noKey(id);
  return toListedKey(row);
}

export const noKey = (id: string) => new CodedError('not_found', `there is no key ${id.slice(0, 100)}`);

const select = (db: Queryable) =>
  db
    .select({ key: apiKey, email: user.email, tier: userSubscription.tier })
    .from(apiKey)
    .innerJoin(user, eq(user.id, apiKey.userId))
    .leftJoin(userSubscription, and(eq(userSubscription.userId, user.id), isNull(userSubscription.endedAt)));

function toListedKey({ key, email, tier }: Awaited<ReturnType<typeof select>>[number]): ListedKey {
  return {
    id: key.id,
    user: email,
    userId: key.userId,
    tier,
    prefix: key.prefix,
    scopes: key.scopes,
    createdAt: key.createdAt.toISOString(),
    lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
    expiresAt: key.expiresAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
    replaces: key.replaces,
  };
}
