import { and, eq, isNull, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../db/pools.ts';
import { user, webhook } from '../db/schema.ts';
import type { EgressPolicy } from '../egress/policy.ts';
import { CodedError } from '../kernel/errors.ts';
import { checkTarget, toWebhook, webhookColumns, type WebhookFields, type WebhookWithSecret } from './webhook.ts';
import { newSecret } from './webhook-secret.ts';

/** Of one tenant. Each makes a delivery of every job, in the transaction that ends it. */
const MAX_WEBHOOKS = 20;

/**
 * Registers an endpoint.
 * @throws CodedError `invalid_request` if nothing may be sent there, `webhook_limit_reached`
 */
export async function createWebhook(
  { db, egress }: { db: Database; egress: EgressPolicy },
  { userId, fields }: { userId: string; fields: WebhookFields },
): Promise<WebhookWithSecret> {
  checkTarget(egress, fields.url);
  const { enabled, events, ...settings } = fields;
  const secret = newSecret();
  return db.transaction(async (tx) => {
    // One after the other, so that the count is right.
    const [owner] = await tx.select({ erasedAt: user.erasedAt }).from(user).where(eq(user.id, userId)).for('no key update'); // prettier-ignore
    if (!owner || owner.erasedAt) throw new CodedError('unauthenticated', 'the user is being erased');
    const count = await tx.$count(webhook, and(eq(webhook.userId, userId), isNull(webhook.deletedAt)));
    if (count >= MAX_WEBHOOKS)
      throw new CodedError('webhook_limit_reached', `you have ${MAX_WEBHOOKS} webhooks; allowed: no more`);
    const off = enabled ? {} : { offSince: sql`now()`, offReason: 'asked' as const };
    const [row] = await tx
      .insert(webhook)
      .values({ ...settings, ...off, events: [...new Set(events)], id: uuidv7(), userId, secret })
      .returning(webhookColumns);
    if (!row) throw new Error('a row that was just written is not there');
    return { ...toWebhook(row), secret };
  });
}
