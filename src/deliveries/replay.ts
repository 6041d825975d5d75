import { type SQL, sql } from 'drizzle-orm';
import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Database, Queryable } from '../db/pools.ts';
import type { DeliveryKind } from '../domain/delivery.ts';
import { CodedError } from '../kernel/errors.ts';
import { isOverturned } from './is-overturned.ts';
import { type Delivery, getDelivery, noDelivery } from './read-deliveries.ts';
import { noWebhook, webhookOff } from './webhook.ts';

/** Deliveries of one request, so that it is done in a second or so. */
const MAX_REPLAYED = 5_000;
/** Attempts of one delivery after which it is not replayed: each is a row. */
const MAX_ATTEMPTS = 50;

const SINCE = 'allowed: a time in ISO 8601 with its zone, such as 2031-12-31T00:00:00Z';

export const replaySchema = z
  .strictObject({
    since: z.iso.datetime({ offset: true, error: SINCE }).describe('Deliveries that failed since then are sent again'),
  })
  .meta({ id: 'Replay' });

/** As it was when it was new. Its id stays, by which a receiver knows what it has seen. */
const ANEW = sql`status = 'ready', round = 0, ready_at = clock_timestamp(), due_at = null, claimed_until = null,
  ended_at = null, host = coalesce((select w.host from pdfprompt_webhook w where w.id = webhook_id), host)`;

/** Of a delivery `d`: whether the batch is as it was when it ended. */
const IS_OF_THIS_END = `(d.batch_id is null or coalesce(d.batch_ended_at = (
  select b.completed_at from pdfprompt_batch b where b.id = d.batch_id), false))`;

interface ReplayInput {
  userId: string;
  deliveryId: string;
  /** of the endpoint, the job or the batch: it belongs to that one */
  of: { webhookId: string } | { jobId: string } | { batchId: string };
}

/**
 * Sends something again, with the same `webhook-id`, from the beginning of the pauses. One that is about to be sent
 * stays as it is.
 * @throws CodedError `not_found`, `webhook_off`; `delivery_not_replayable`, which says why
 */
export async function replayDelivery(db: Database, { userId, deliveryId, of }: ReplayInput): Promise<Delivery> {
  const [column, owner] = belongingTo(of);
  if (!isUuid(deliveryId) || !isUuid(owner)) throw noDelivery();
  const isOwn = sql`d.id = ${deliveryId} and d.user_id = ${userId} and d.${column} = ${owner}`;
  const replayed = await db.execute(sql`
    with replayed as (
      update pdfprompt_delivery d set ${ANEW}
      where ${isOwn} and d.status in ('waiting', 'delivered', 'failed') and d.attempts < ${MAX_ATTEMPTS}
        and not (d.kind = 'upload' and d.status = 'delivered') and ${sql.raw(IS_OF_THIS_END)}
        and not ${isOverturned} and not exists (select from pdfprompt_webhook w where w.id = d.webhook_id and (w.off_since is not null or w.deleted_at is not null))
      returning 1
    )
    select pg_notify('pdfprompt_deliveries', '') from replayed`);
  if (replayed.length === 0) {
    const [row] = await db.execute<State>(sql`
      select d.kind, d.status, d.attempts, not ${sql.raw(IS_OF_THIS_END)} as outdated, ${isOverturned} as overturned, w.off_since is not null as off, w.deleted_at is not null as deleted
      from pdfprompt_delivery d left join pdfprompt_webhook w on w.id = d.webhook_id where ${isOwn}`);
    if (!row) throw noDelivery();
    refuse(row, 'webhookId' in of);
  }
  return getDelivery(db, { userId, deliveryId });
}

function belongingTo(of: ReplayInput['of']): [column: SQL, owner: string] {
  if ('jobId' in of) return [sql`job_id`, of.jobId];
  return 'batchId' in of ? [sql`batch_id`, of.batchId] : [sql`webhook_id`, of.webhookId];
}

type State = {
  kind: DeliveryKind;
  status: string;
  attempts: number;
  outdated: boolean;
  overturned: boolean;
  off: boolean;
  deleted: boolean;
};

/** @throws CodedError unless it is under way */
function refuse({ kind, status, attempts, outdated, overturned, off, deleted }: State, isOfWebhook: boolean): void {
  const why = (reason: string) => new CodedError('delivery_not_replayable', reason);
  if (deleted) throw isOfWebhook ? noDelivery() : why('its webhook is deleted');
  if (status === 'awaiting') throw why('the job or batch has not ended: it will be sent then');
  if (status === 'cancelled') throw why('it was cancelled: there is nothing to send');
  if (outdated) throw why('items of the batch were retried: its next end is another event');
  if (overturned) throw why('its upload was delivered since: there is no failure to report');
  if (kind === 'upload' && status === 'delivered') throw why('it was uploaded: its URL is not kept');
  if (off) throw webhookOff();
  if (attempts >= MAX_ATTEMPTS) throw why(`it was sent ${attempts} times`);
}

/** Sends again what failed to be delivered of these jobs, unless it cannot be. @returns of how many jobs there was something */
export async function replayFailedOf(db: Queryable, jobs: readonly string[]): Promise<number> {
  const [row] = await db.execute<{ count: number }>(sql`
    with replayed as (
      update pdfprompt_delivery set ${ANEW}
      where id = any (array(
        select d.id from pdfprompt_delivery d left join pdfprompt_webhook w on w.id = d.webhook_id
        where d.job_id = any (${arrayLiteral(jobs)}::uuid[]) and d.status = 'failed' and d.attempts < ${MAX_ATTEMPTS}
          and not ${isOverturned} and w.off_since is null and w.deleted_at is null
        for update of d skip locked))
      returning job_id
    ), made as (select count(distinct job_id)::integer as count from replayed)
    select count, case when count > 0 then pg_notify('pdfprompt_deliveries', '') end from made`);
  return row?.count ?? 0;
}

/**
 * Sends again what has failed since a time, the oldest first, at most 5,000.
 * @returns how many, and whether there may be more
 * @throws CodedError `not_found`, `webhook_off`
 */
export async function replayFailed(
  db: Database,
  { userId, webhookId, since }: { userId: string; webhookId: string; since: string },
): Promise<{ replayed: number; more: boolean }> {
  const [endpoint] = isUuid(webhookId)
    ? await db.execute<{ off: boolean }>(sql`
        select off_since is not null as off from pdfprompt_webhook
        where id = ${webhookId} and user_id = ${userId} and deleted_at is null`)
    : [];
  if (!endpoint) throw noWebhook();
  if (endpoint.off) throw webhookOff();
  const [row] = await db.execute<{ count: number }>(sql`
    with replayed as (
      update pdfprompt_delivery set ${ANEW}
      where id = any (array(
        select d.id from pdfprompt_delivery d
        where d.webhook_id = ${webhookId} and d.status = 'failed' and ${sql.raw(IS_OF_THIS_END)}
          and d.ended_at >= to_timestamp(${Date.parse(since) / 1_000}) and d.attempts < ${MAX_ATTEMPTS}
        order by d.created_at, d.id limit ${MAX_REPLAYED} for update skip locked))
      returning 1
    ), made as (select count(*)::integer as count from replayed)
    select count, case when count > 0 then pg_notify('pdfprompt_deliveries', '') end from made`);
  const replayed = row?.count ?? 0;
  return { replayed, more: replayed === MAX_REPLAYED };
}
