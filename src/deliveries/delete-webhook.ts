import { sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Database } from '../db/pools.ts';
import { noWebhook } from './webhook.ts';

/** Deliveries that are cancelled at once. A sender that takes one of the others finds that its webhook is deleted. */
const MAX_CANCELLED = 10_000;

/**
 * Deletes an endpoint, and cancels what waits to be sent there. What was sent stays as long as its job.
 * @throws CodedError `not_found`, for another tenant's too
 */
export async function deleteWebhook(
  db: Database,
  { userId, webhookId }: { userId: string; webhookId: string },
): Promise<void> {
  const rows = isUuid(webhookId)
    ? await db.execute(sql`
        update pdfprompt_webhook set deleted_at = now()
        where id = ${webhookId} and user_id = ${userId} and deleted_at is null
        returning 1`)
    : [];
  if (rows.length === 0) throw noWebhook();
  await db.execute(sql`
    update pdfprompt_delivery set status = 'cancelled', ended_at = clock_timestamp(), due_at = null
    where id = any (array(
      select id from pdfprompt_delivery
      where webhook_id = ${webhookId} and status in ('ready', 'waiting')
      limit ${MAX_CANCELLED} for update skip locked))`);
}
