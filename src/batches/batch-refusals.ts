import { type Limiter, tooManyItems, type TierUse } from '../accounts/limits.ts';
import { postgresErrorOf } from '../db/pools.ts';
import { ofRequest, refusalOf } from '../jobs/refusals.ts';

/** The error of `pdfprompt_admit_items` in the database that only batches have. */
const TOO_MANY_ITEMS = 'PDF10';

/** What a statement that accepts items was refused for, which may be a LimitReached; undefined if it failed. */
export async function batchRefusalOf(
  error: unknown,
  { limiter, userId, items }: { limiter: Limiter; userId: string; items: () => Promise<number> | number },
): Promise<unknown> {
  const { code, detail = '' } = postgresErrorOf(error) ?? {};
  if (code === TOO_MANY_ITEMS) return tooManyItems(await items(), JSON.parse(detail) as TierUse);
  return ofRequest(refusalOf(error, { limiter, userId }));
}
