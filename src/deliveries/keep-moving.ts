import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import { delivery, deliveryAttempt } from '../db/schema.ts';
import { CLAIM_SECONDS, type ClaimedDelivery } from './claim.ts';

/** Rows that one statement makes ready. */
const BATCH = 500;

export interface Moved {
  /** deliveries whose pause was over */
  due: number;
  /** deliveries whose worker was lost while it sent them */
  lost: number;
  /** milliseconds until the next pause is over */
  nextMs: number | undefined;
  /** whether more are due already */
  isMore: boolean;
}

/**
 * Makes ready what is due, and what its worker did not end in time. @param tries the most that a delivery has, so that
 * one with which workers are lost comes to an end
 */
export async function wakeDeliveries(db: Queryable, tries: number): Promise<Moved> {
  const [row] = await db.execute<{ due: number; lost: number; next_ms: number | null }>(sql`
    with due as (
      update ${delivery} set status = 'ready', ready_at = due_at, due_at = null
      where id in (select id from ${delivery} where status = 'waiting' and due_at <= now()
        order by due_at limit ${BATCH} for update skip locked)
      returning id
    ), lost as (
      update ${delivery} set status = case when round < ${tries} then 'ready' else 'failed' end, claimed_until = null,
        ready_at = now(), ended_at = case when round >= ${tries} then now() end
      where id in (select id from ${delivery} where status = 'sending' and claimed_until < now()
        order by claimed_until limit ${BATCH} for update skip locked)
      returning id, status, attempts
    ), ended as (
      insert into ${deliveryAttempt} (delivery_id, number, at, ms, error)
      select id, attempts, now(), 0, 'the process that sent it was lost' from lost where status = 'failed'
      on conflict do nothing
    )
    select (select count(*)::integer from due) as due, (select count(*)::integer from lost) as lost,
      (select (extract(epoch from due_at - now()) * 1000)::double precision from ${delivery}
        where status = 'waiting' and due_at > now() order by due_at limit 1) as next_ms`);
  const { due = 0, lost = 0, next_ms: nextMs } = row ?? {};
  return { due, lost, nextMs: nextMs ?? undefined, isMore: Math.max(due, lost) === BATCH };
}

/** Says that this process still sends these. @returns the ids of those that are still its own */
export async function extendClaims(db: Queryable, claimed: readonly ClaimedDelivery[]): Promise<Set<string>> {
  const rows = await db.execute<{ id: string }>(sql`
    update ${delivery} d set claimed_until = now() + ${CLAIM_SECONDS} * interval '1 second'
    from ${listed(claimed)} where d.id = own.id and d.attempts = own.attempt and d.status = 'sending' returning d.id`);
  return new Set([...rows].map(({ id }) => id));
}

/** Makes deliveries ready again that were not sent to their end. The try does not count. */
export async function requeueDeliveries(db: Queryable, claimed: readonly ClaimedDelivery[]): Promise<void> {
  await db.execute(sql`
    with given as (
      update ${delivery} d set status = 'ready', claimed_until = null, attempts = d.attempts - 1, round = d.round - 1
      from ${listed(claimed)} where d.id = own.id and d.attempts = own.attempt and d.status = 'sending' returning d.id
    )
    select pg_notify('pdfprompt_deliveries', '') from given limit 1`);
}

/**
 * Cancels deliveries of the end of a batch that is open again, or has ended once more: what they would say is no longer
 * true, and the next end has deliveries of its own. The same of reports of a failure whose upload is delivered. The try does
 * not count.
 */
export async function cancelDeliveries(db: Queryable, claimed: readonly ClaimedDelivery[]): Promise<void> {
  await db.execute(sql`
    update ${delivery} d set status = 'cancelled', claimed_until = null, ended_at = now(), attempts = d.attempts - 1,
      round = d.round - 1
    from ${listed(claimed)} where d.id = own.id and d.attempts = own.attempt and d.status = 'sending'`);
}

const listed = (claimed: readonly ClaimedDelivery[]) =>
  sql`unnest(${arrayLiteral(claimed.map(({ id }) => id))}::uuid[],
    ${arrayLiteral(claimed.map(({ attempt }) => String(attempt)))}::smallint[]) as own (id, attempt)`;
