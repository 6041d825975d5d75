import { validate as isUuid } from 'uuid';
import { getUser, type User } from '../../accounts/users.ts';
import type { Database } from '../../db/pools.ts';
import { emailSchema } from '../../domain/email.ts';
import { CodedError } from '../../kernel/errors.ts';

/** By email or id. @returns undefined if there is no such user */
export async function findUser(adminDb: Database, wanted: string): Promise<User | undefined> {
  if (!isUuid(wanted) && !emailSchema.safeParse(wanted).success) return undefined;
  try {
    return await getUser(adminDb, isUuid(wanted) ? { id: wanted } : { email: wanted });
  } catch (error) {
    if (error instanceof CodedError && error.code === 'not_found') return undefined;
    throw error;
  }
}
