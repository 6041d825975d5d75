import { and, asc, desc, eq, type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import type { Queryable } from '../db/pools.ts';
import { batch, delivery, job, webhook } from '../db/schema.ts';
import { forTenant } from '../db/tenant.ts';
import type { DeliveryKind } from '../domain/delivery.ts';
import { type ShownStatus, shownStatus } from '../domain/delivery-status.ts';
import { shownUrl } from '../domain/shown-url.ts';
import { CodedError } from '../kernel/errors.ts';
import { getWebhook } from './read-webhooks.ts';

/** Attempts that are shown of each delivery: the last ones. */
const SHOWN_TRIES = 20;

/** One attempt to send something. */
interface Try {
  number: number;
  at: string;
  ms: number;
  /** of the HTTP answer; null if there was none */
  status: number | null;
  /** null: it was a success */
  error: string | null;
  /** the first kilobyte of the answer's body */
  answer: string | null;
}

/** A delivery, as its owner sees it. Times are ISO 8601 in UTC. */
export interface Delivery {
  /** the `webhook-id` of the message */
  id: string;
  kind: DeliveryKind;
  /** of the job that ended */
  jobId: string | null;
  /** of the batch that ended; this and `jobId` null: a test */
  batchId: string | null;
  /** null: the request names the URL */
  webhookId: string | null;
  /** without its query, which may be a credential */
  url: string;
  /** null while what it reports has not ended */
  event: string | null;
  status: ShownStatus;
  /** all of them */
  attempts: number;
  createdAt: string;
  /** null unless it waits for a time */
  nextAttemptAt: string | null;
  endedAt: string | null;
  /** the last ones, oldest first */
  tries: Try[];
}

/** Only of the deliveries that are shown: each is read by the key of its attempts. */
const tries = sql<Try[]>`coalesce((
  select jsonb_agg(to_jsonb(t) - 'delivery_id' order by t.number) from (
    select * from pdfprompt_delivery_attempt a where a.delivery_id = ${delivery.id} order by a.number desc limit ${SHOWN_TRIES}
  ) as t), '[]')`;

const columns = {
  id: delivery.id,
  kind: delivery.kind,
  jobId: delivery.jobId,
  batchId: delivery.batchId,
  webhookId: delivery.webhookId,
  url: sql<string>`coalesce(${delivery.url}, ${webhook.url})`,
  event: delivery.event,
  status: delivery.status,
  attempts: delivery.attempts,
  createdAt: delivery.createdAt,
  dueAt: delivery.dueAt,
  endedAt: delivery.endedAt,
  tries,
};

/** Literals, so that Postgres sees in any plan which index has these rows. */
const WITH_STATUS: Record<ShownStatus, SQL> = {
  pending: sql`${delivery.status} in ('awaiting', 'ready', 'sending', 'waiting')`,
  delivered: sql`${delivery.status} = 'delivered'`,
  failed: sql`${delivery.status} = 'failed'`,
  cancelled: sql`${delivery.status} = 'cancelled'`,
};

interface ListInput {
  userId: string;
  webhookId: string;
  status?: ShownStatus | undefined;
  limit: number;
  /** id of the last delivery of the page before */
  cursor?: string | undefined;
}

/** A page of what was sent to an endpoint, newest first. @throws CodedError `not_found` */
export async function listDeliveries(
  db: Queryable,
  { userId, webhookId, status, limit, cursor }: ListInput,
): Promise<{ data: Delivery[]; nextCursor: string | null }> {
  await getWebhook(db, { userId, webhookId });
  const before = cursor === undefined ? undefined : sql`(${delivery.createdAt}, ${delivery.id}) < (
    select last.created_at, last.id from pdfprompt_delivery as last where last.id = ${cursor} and last.webhook_id = ${webhookId})`; // prettier-ignore
  const rows = await db
    .select(columns)
    .from(delivery)
    .innerJoin(webhook, eq(webhook.id, delivery.webhookId))
    .where(and(forTenant(userId), eq(delivery.webhookId, webhookId), status && WITH_STATUS[status], before))
    .orderBy(desc(delivery.createdAt), desc(delivery.id))
    .limit(limit + 1);
  const data = rows.slice(0, limit).map(toDelivery);
  return { data, nextCursor: rows.length > limit ? (data.at(-1)?.id ?? null) : null };
}

/** Everything that is sent of a job, oldest first: few, as a tenant has few endpoints. @throws CodedError `not_found` */
export const listJobDeliveries = (db: Queryable, { userId, jobId }: { userId: string; jobId: string }) =>
  listDeliveriesOf(db, { userId, id: jobId, what: 'job' });

/** The same of a batch. */
export const listBatchDeliveries = (db: Queryable, { userId, batchId }: { userId: string; batchId: string }) =>
  listDeliveriesOf(db, { userId, id: batchId, what: 'batch' });

async function listDeliveriesOf(
  db: Queryable,
  { userId, id, what }: { userId: string; id: string; what: 'job' | 'batch' },
): Promise<Delivery[]> {
  const { id: _, ...others } = columns;
  const owner = what === 'job' ? job : batch;
  const rows = isUuid(id)
    ? await db
        .select({ id: delivery.id, ...others })
        .from(owner)
        .leftJoin(delivery, eq(what === 'job' ? delivery.jobId : delivery.batchId, owner.id))
        .leftJoin(webhook, eq(webhook.id, delivery.webhookId))
        .where(and(forTenant(userId), eq(owner.id, id), eq(owner.userId, userId)))
        .orderBy(asc(delivery.createdAt), asc(delivery.id))
    : [];
  if (rows.length === 0) throw new CodedError('not_found', `there is no such ${what}`);
  return rows.flatMap((row) => (row.id === null ? [] : [toDelivery(row as Row)]));
}

/** One delivery. @throws CodedError `not_found`, for another tenant's too */
export async function getDelivery(
  db: Queryable,
  { userId, deliveryId }: { userId: string; deliveryId: string },
): Promise<Delivery> {
  const [row] = await db
    .select(columns)
    .from(delivery)
    .leftJoin(webhook, eq(webhook.id, delivery.webhookId))
    .where(and(forTenant(userId), eq(delivery.id, deliveryId), eq(delivery.userId, userId)));
  if (!row) throw noDelivery();
  return toDelivery(row);
}

export const noDelivery = () => new CodedError('not_found', 'there is no such delivery');

type Row = Omit<Delivery, 'status' | 'createdAt' | 'nextAttemptAt' | 'endedAt'> & {
  status: Parameters<typeof shownStatus>[0];
  createdAt: Date;
  dueAt: Date | null;
  endedAt: Date | null;
};

function toDelivery({ dueAt, tries: made, ...row }: Row): Delivery {
  return {
    ...row,
    url: shownUrl(row.url),
    status: shownStatus(row.status),
    createdAt: row.createdAt.toISOString(),
    nextAttemptAt: row.status === 'waiting' ? (dueAt?.toISOString() ?? null) : null,
    endedAt: row.endedAt?.toISOString() ?? null,
    tries: made.map(({ number, at, ms, status, error, answer }) => ({
      number,
      at: new Date(at).toISOString(),
      ms,
      status,
      error: error ?? (status === null || (status >= 200 && status < 300) ? null : `it answered ${status}`),
      answer,
    })),
  };
}
