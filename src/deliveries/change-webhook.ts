import { and, eq, isNull, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Database } from '../db/pools.ts';
import { webhook } from '../db/schema.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import { getWebhook } from './read-webhooks.ts';
import { switchOff } from './switch-off.ts';
import { checkTarget, noWebhook, toWebhook, type Webhook, webhookColumns, type WebhookFields } from './webhook.ts';

interface ChangeInput {
  userId: string;
  webhookId: string;
  fields: WebhookFields;
}

/**
 * Replaces all settings of an endpoint. What is still to be sent goes to the new URL, or fails if it is turned off. One
 * that is turned on again, or has a new URL, has failed for no time, and one that stays off keeps its reason.
 * @throws CodedError `not_found`; `invalid_request` if nothing may be sent there
 */
export async function changeWebhook(
  { db, egress }: { db: Database; egress: EgressPolicy },
  { userId, webhookId, fields }: ChangeInput,
): Promise<Webhook> {
  if (!isUuid(webhookId)) throw noWebhook();
  checkTarget(egress, fields.url);
  const { enabled, url, events, version, description = null } = fields;
  const on = { offSince: null, offReason: null, failingSince: sql`case when ${webhook.offSince} is null and ${webhook.url} = ${url} then ${webhook.failingSince} end` }; // prettier-ignore
  const [row] = await db
    .update(webhook)
    .set({ url, version, description, events: [...new Set(events)], ...(enabled && on) })
    .where(and(eq(webhook.id, webhookId), eq(webhook.userId, userId), isNull(webhook.deletedAt)))
    .returning(webhookColumns);
  if (!row) throw noWebhook();
  if (enabled || row.offSince) return toWebhook(row);
  await switchOff(db, webhookId, 'asked');
  return getWebhook(db, { userId, webhookId });
}
