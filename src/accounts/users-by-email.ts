import { sql } from 'drizzle-orm';
import type { Queryable } from '../db/pools.ts';
import { afterPrefix } from '../domain/after-prefix.ts';

/** The first users whose email begins so, in the order of their emails. @param start in lower case */
export async function usersByEmail(
  db: Queryable,
  start: string,
  limit: number,
): Promise<{ id: string; email: string }[]> {
  return db.execute<{ id: string; email: string }>(sql`
    select id, email from pdfprompt_user
    where email collate "C" >= ${start} and email collate "C" < ${afterPrefix(start)} and erased_at is null
    order by email collate "C" limit ${sql.raw(String(Math.trunc(limit)))}`);
}
