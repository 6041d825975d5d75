import { and, eq, sql } from 'drizzle-orm';
import { v7 as uuidv7, validate as isUuid } from 'uuid';
import { z } from 'zod';
import type { Database, Transaction } from '../db/pools.ts';
import { apiKey } from '../db/schema.ts';
import { checkInput } from '../domain/check-input.ts';
import { CodedError } from '../kernel/errors.ts';
import { generateKey, hashKey, keyPrefix } from './key-format.ts';
import { type CreatedKey, getKey, noKey } from './keys.ts';

export interface RotatedKey extends CreatedKey {
  /** the id of the old key */
  replaces: string;
  /** the old key is valid until then */
  replacedExpiresAt: string;
}

const MAX_GRACE_SECONDS = 30 * 24 * 3600;
const GRACE = `allowed: seconds, 0 (at once) to ${MAX_GRACE_SECONDS}`;

export const rotationSchema = z
  .strictObject({
    graceSeconds: z
      .int(GRACE)
      .min(0, GRACE)
      .max(MAX_GRACE_SECONDS, GRACE)
      .default(24 * 3600)
      .meta({ description: 'Seconds for which the old key stays valid; 0 ends it at once' }),
  })
  .meta({ id: 'Rotation' });

/**
 * Creates a key for the same user with the same scopes. The old one expires after the grace, so that there is time to
 * distribute the new one. If the old key has an expiry, the new one is valid for as long as the old one was when
 * it was created. Each key is rotated once, and of a key and its successors at most two are valid at a time, so that
 * no forgotten key stays valid.
 * @throws CodedError `not_found`, `invalid_request`, and `key_not_rotatable`, which says why
 */
export async function rotateKey(
  db: Database,
  { id, ...input }: { id: string; graceSeconds?: number | undefined },
): Promise<RotatedKey> {
  const { graceSeconds } = checkInput(rotationSchema, input);
  return db.transaction(async (tx) => {
    const [old] = isUuid(id) ? await tx.select().from(apiKey).where(eq(apiKey.id, id)).for('update') : [];
    if (!old) throw noKey(id);
    await requireRotatable(tx, old);
    const lifeMs = old.expiresAt && old.expiresAt.getTime() - old.createdAt.getTime();
    const key = generateKey();
    const newId = uuidv7();
    await tx.insert(apiKey).values({
      id: newId,
      userId: old.userId,
      prefix: keyPrefix(key),
      hash: hashKey(key),
      scopes: old.scopes,
      expiresAt: lifeMs === null ? null : sql`now() + ${lifeMs} * interval '1 millisecond'`,
      replaces: old.id,
    });
    const [ending] = await tx
      .update(apiKey)
      .set({ expiresAt: sql`least(${apiKey.expiresAt}, now() + ${graceSeconds} * interval '1 second')` })
      .where(eq(apiKey.id, old.id))
      .returning({ expiresAt: apiKey.expiresAt });
    if (!ending?.expiresAt) throw new Error('a key that was just given an expiry has none');
    const { user, userId, tier, scopes, expiresAt } = await getKey(tx, newId);
    const replacedExpiresAt = ending.expiresAt.toISOString();
    return { id: newId, key, user, userId, tier, scopes, expiresAt, replaces: old.id, replacedExpiresAt };
  });
}

async function requireRotatable(tx: Transaction, old: typeof apiKey.$inferSelect): Promise<void> {
  const refuse = (why: string) => new CodedError('key_not_rotatable', why);
  const [successor] = await tx.select({ id: apiKey.id }).from(apiKey).where(eq(apiKey.replaces, old.id));
  if (successor) throw refuse(`the key ${old.id} was already rotated, to ${successor.id}; allowed: a key that was not`);
  if (!(await isLive(tx, old.id)))
    throw refuse(`the key ${old.id} ${old.revokedAt ? 'is revoked' : 'has expired'}; allowed: a key that is valid`);
  if (old.replaces !== null && (await isLive(tx, old.replaces)))
    throw refuse(
      `the key ${old.replaces}, which ${old.id} replaces, is still valid; allowed: a rotation when that has expired or is revoked`,
    );
}

async function isLive(tx: Transaction, id: string): Promise<boolean> {
  const live = sql`${apiKey.revokedAt} is null and (${apiKey.expiresAt} is null or ${apiKey.expiresAt} > now())`;
  return (await tx.$count(apiKey, and(eq(apiKey.id, id), live))) === 1;
}
