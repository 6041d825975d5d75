import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database, Transaction } from '../db/pools.ts';

/** Seconds that a link may be valid, at most: the longest that buckets allow too. */
export const MAX_LINK_SECONDS = 7 * 86_400;
/** Days that a key signs. */
const KEY_DAYS = 30;
/** Days that a key is kept after the next one: as long as a link, and for processes that have not noticed the next one. */
const KEPT_DAYS = 8;

/** Makes the first key, unless another process has. */
export async function makeFirstLinkKey(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await lockKeys(tx);
    await tx.execute(sql`
      insert into pdfprompt_link_key (secret)
      select ${newSecret()} where not exists (select from pdfprompt_link_key)`);
  });
}

/**
 * Makes the next key when it is due, and deletes those of which no valid link is left. Until the first link is made there
 * is no key.
 * @returns how many
 */
export async function rotateLinkKeys(db: Database): Promise<{ made: number; deleted: number }> {
  return db.transaction(async (tx) => {
    await lockKeys(tx);
    const made = await tx.execute(sql`
      insert into pdfprompt_link_key (secret)
      select ${newSecret()} where exists (select from pdfprompt_link_key)
        and not exists (select from pdfprompt_link_key where created_at > now() - ${KEY_DAYS} * interval '1 day')
      returning id`);
    const deleted = await tx.execute(sql`
      delete from pdfprompt_link_key k where exists (
        select from pdfprompt_link_key next
        where next.id > k.id and next.created_at < now() - ${KEPT_DAYS} * interval '1 day')
      returning id`);
    return { made: made.length, deleted: deleted.length };
  });
}

const newSecret = () => randomBytes(32);

/** Keys are made one after the other, so that a higher id is a later commit. Nobody who reads waits. */
async function lockKeys(tx: Transaction): Promise<void> {
  await tx.execute(sql`lock table pdfprompt_link_key in share row exclusive mode`);
}
