import { and, asc, eq, gt, isNull, type SQL } from 'drizzle-orm';
import { v7 as uuidv7, validate as isUuid } from 'uuid';
import { z } from 'zod';
import type { Database, Queryable, Transaction } from '../db/pools.ts';
import { user, userSubscription } from '../db/schema.ts';
import { checkInput } from '../domain/check-input.ts';
import { emailSchema } from '../domain/email.ts';
import type { LimitOverrides } from '../domain/limit-overrides.ts';
import { DEFAULT_TIER } from '../domain/tier.ts';
import { CodedError } from '../kernel/errors.ts';

export interface User {
  id: string;
  email: string;
  /** null only if the subscription was removed by hand, in SQL: the user's keys do not work then */
  tier: string | null;
  /** what is not as the tier says */
  limits: LimitOverrides;
  createdAt: string;
}

export const newUserSchema = z
  .strictObject({
    email: emailSchema,
    tier: z
      .string()
      .optional()
      .meta({ description: `The user's tier from now on; a new user starts on ${DEFAULT_TIER}` }),
  })
  .meta({ id: 'NewUser' });

const select = (db: Queryable) =>
  db
    .select({
      id: user.id,
      email: user.email,
      tier: userSubscription.tier,
      limits: user.limits,
      createdAt: user.createdAt,
    })
    .from(user)
    .leftJoin(userSubscription, and(eq(userSubscription.userId, user.id), isNull(userSubscription.endedAt)));

/** A user who is being erased is not shown. */
const isThere = isNull(user.erasedAt);

/** @throws CodedError `not_found`, and `invalid_request` for an email that is not valid */
export async function getUser(db: Queryable, which: { id: string } | { email: string }): Promise<User> {
  if ('id' in which) return one(db, isUuid(which.id) ? eq(user.id, which.id) : undefined, which.id);
  const { email } = checkInput(z.object({ email: emailSchema }), which);
  return one(db, eq(user.email, email), email);
}

/** A page of users, oldest first. `cursor` is the id of the last user of the previous page. */
export async function listUsers(
  db: Database,
  input: { limit: number; cursor?: string | undefined },
): Promise<{ data: User[]; nextCursor: string | null }> {
  const rows = await select(db)
    .where(and(isThere, input.cursor === undefined ? undefined : gt(user.id, input.cursor)))
    .orderBy(asc(user.id)) // UUIDv7: the order of creation
    .limit(input.limit + 1);
  const data = rows.slice(0, input.limit).map(toUser);
  return { data, nextCursor: rows.length > input.limit ? (data.at(-1)?.id ?? null) : null };
}

/** Finds the user with this valid email, or creates one, still without a subscription. */
export async function ensureUser(tx: Transaction, email: string): Promise<{ id: string; isNew: boolean }> {
  const made = await tx
    .insert(user)
    .values({ id: uuidv7(), email })
    .onConflictDoNothing({ target: user.email })
    .returning({ id: user.id });
  const { id } = made[0] ?? (await getUser(tx, { email }));
  return { id, isNew: made.length === 1 };
}

async function one(db: Queryable, condition: SQL | undefined, name: string): Promise<User> {
  const [row] = condition ? await select(db).where(and(isThere, condition)) : [];
  if (!row) throw new CodedError('not_found', `there is no user ${name.slice(0, 100)}`);
  return toUser(row);
}

function toUser(row: Awaited<ReturnType<typeof select>>[number]): User {
  return { ...row, createdAt: row.createdAt.toISOString() };
}
