import type { Database } from '../db/pools.ts';
import { checkInput } from '../domain/check-input.ts';
import { DEFAULT_TIER } from '../domain/tier.ts';
import { CodedError } from '../kernel/errors.ts';
import { subscribe } from './subscriptions.ts';
import { ensureUser, getUser, newUserSchema, type User } from './users.ts';

/**
 * Creates a user with a subscription and without a key.
 * @throws CodedError `user_exists`, and `invalid_request` for an email or a tier that is not allowed
 */
export async function createUser(db: Database, input: { email: string; tier?: string | undefined }): Promise<User> {
  const { email, tier } = checkInput(newUserSchema, input);
  return db.transaction(async (tx) => {
    const { id, isNew } = await ensureUser(tx, email);
    if (!isNew) throw new CodedError('user_exists', `there is a user ${email} already, ${id}`);
    await subscribe(tx, { userId: id, tier, otherwise: DEFAULT_TIER });
    return getUser(tx, { id });
  });
}
