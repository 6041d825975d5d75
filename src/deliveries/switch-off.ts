import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/pools.ts';
import { delivery, webhook } from '../db/schema.ts';

/** Why nothing is sent to an endpoint: it answered 410, it failed for too long, or its user asked for it. */
export type OffReason = NonNullable<(typeof webhook.$inferSelect)['offReason']>;

/** Deliveries ended by one statement. */
const BATCH = 1_000;

/**
 * Sends nothing more to an endpoint. What is still to be sent ends as failed, so that it can be replayed.
 * @returns how many deliveries have ended; undefined if it was off or deleted already
 */
export async function switchOff(db: Database, id: string, reason: OffReason): Promise<number | undefined> {
  const switched = await db
    .update(webhook)
    .set({ offSince: sql`now()`, offReason: reason })
    .where(and(eq(webhook.id, id), isNull(webhook.offSince), isNull(webhook.deletedAt)))
    .returning({ id: webhook.id });
  if (switched.length === 0) return undefined;
  let failed = 0;
  for (let ended = BATCH; ended === BATCH; failed += ended) ended = await failPending(db, id);
  return failed;
}

/** Those that are being sent see for themselves that the endpoint is off. */
async function failPending(db: Queryable, webhookId: string): Promise<number> {
  const rows = await db.execute(sql`
    update ${delivery} set status = 'failed', ended_at = now(), due_at = null
    where id in (
      select id from ${delivery} where webhook_id = ${webhookId} and status in ('ready', 'waiting')
      limit ${BATCH} for update skip locked)
    returning id`);
  return rows.length;
}
