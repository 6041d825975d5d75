import { type Limiter, type LimitReached, tooManyItems, type TierUse } from '../accounts/limits.ts';
import { postgresErrorOf } from '../db/pools.ts';

/** Errors of `pdfprompt_admit_items` in the database. */
const LIMIT_REACHED = 'PDF01';
const TOO_MANY_ITEMS = 'PDF10';
export const USER_GONE = 'PDF03';

/** What a statement was refused for; undefined if it is no limit of the tier. */
export async function limitRefusal(
  { limiter }: { limiter: Limiter },
  { userId, error, items }: { userId: string; error: unknown; items: () => Promise<number> | number },
): Promise<LimitReached | undefined> {
  const { code, detail = '' } = postgresErrorOf(error) ?? {};
  if (code === LIMIT_REACHED) return limiter.refuse(userId, JSON.parse(detail) as TierUse);
  return code === TOO_MANY_ITEMS ? tooManyItems(await items(), JSON.parse(detail) as TierUse) : undefined;
}
