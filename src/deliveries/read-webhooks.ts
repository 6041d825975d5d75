import { and, asc, eq, gt, isNull } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { webhook } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import { noWebhook, toWebhook, type Webhook, webhookColumns } from './webhook.ts';

const ofUser = (userId: string) => and(forTenant(userId), eq(webhook.userId, userId), isNull(webhook.deletedAt));

/** @throws CodedError `not_found`, for another tenant's too */
export async function getWebhook(
  db: Queryable,
  { userId, webhookId }: { userId: string; webhookId: string },
): Promise<Webhook> {
  const [row] = isUuid(webhookId)
    ? await db.select(webhookColumns).from(webhook).where(and(ofUser(userId), eq(webhook.id, webhookId)))
    : []; // prettier-ignore
  if (!row) throw noWebhook();
  return toWebhook(row);
}

/** A page of a tenant's webhooks, oldest first. `cursor` is the id of the last one of the page before. */
export async function listWebhooks(
  db: Queryable,
  { userId, limit, cursor }: { userId: string; limit: number; cursor?: string | undefined },
): Promise<{ data: Webhook[]; nextCursor: string | null }> {
  const rows = await db
    .select(webhookColumns)
    .from(webhook)
    .where(and(ofUser(userId), cursor === undefined ? undefined : gt(webhook.id, cursor)))
    .orderBy(asc(webhook.id)) // UUIDv7: the order of creation
    .limit(limit + 1);
  const data = rows.slice(0, limit).map((row) => toWebhook(row));
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.id ?? null) : null };
}
