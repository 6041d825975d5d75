import { sql } from 'drizzle-orm';
import type { Database } from '../db/pools.ts';
import { delivery, deliveryAttempt, webhook } from '../db/schema.ts';
import type { ClaimedDelivery } from './claim.ts';
import { isOverturned } from './is-overturned.ts';
import { secondsToNextTry } from './ladder.ts';
import { type OffReason, switchOff } from './switch-off.ts';

/** How a delivery is tried again, and until when its endpoint may fail. */
export interface Patience {
  /** seconds between tries */
  ladder: readonly number[];
  /** seconds without a success after which an endpoint is switched off */
  failingSeconds: number;
}

/** One try, as it is written down. */
export interface Attempt {
  isDelivered: boolean;
  /** no other try would end better */
  isFinal: boolean;
  status?: number | undefined;
  /** why it is no success, in words for the owner */
  error?: string | undefined;
  answer: string;
  ms: number;
  retryAfterSeconds?: number | undefined;
}

/** What becomes of a delivery; `stale`: it was no longer ours, and nothing was written. */
type DeliveryEnd = 'delivered' | 'waiting' | 'failed' | 'cancelled' | 'stale';

export interface Recorded {
  end: DeliveryEnd;
  /** milliseconds until the next try, if it waits for one */
  nextMs?: number;
  /** the endpoint that was switched off for it */
  off?: { webhookId: string; reason: OffReason; failed: number };
}

/** HTTP: it is gone for good. */
const GONE = 410;

/**
 * Writes how a try has ended: the delivery, the attempt and the health of the endpoint in one statement. Then switches
 * the endpoint off, if it is gone or has failed for too long. May be called again after an error.
 */
export async function recordAttempt(
  db: Database,
  claimed: ClaimedDelivery,
  attempt: Attempt,
  { ladder, failingSeconds }: Patience,
): Promise<Recorded> {
  const { id, isTest, webhookId, round } = claimed;
  const { isDelivered, status, retryAfterSeconds } = attempt;
  const isGone = status === GONE && attempt.error === undefined;
  const isLast = attempt.isFinal || isGone || isTest;
  const seconds =
    isDelivered || isLast ? undefined : secondsToNextTry({ round, retryAfterSeconds, ladder, random: Math.random() });
  const next = isDelivered ? 'delivered' : seconds === undefined ? 'failed' : 'waiting';
  const isJudged = isDelivered || !(attempt.isFinal || isTest);
  const [row] = await db.execute<{ status: DeliveryEnd | null; is_failing: boolean | null }>(sql`
    with own as (
      update ${delivery} d set
        status = case when ${next} <> 'waiting' then ${next} when w.is_off then 'failed' when ${isOverturned} then 'cancelled' else ${next} end,
        due_at = case when not w.is_off and not ${isOverturned} then now() + ${seconds ?? null}::double precision * interval '1 second' end,
        ended_at = case when ${next} <> 'waiting' or w.is_off or ${isOverturned} then now() end, claimed_until = null,
        url = case when ${isDelivered} and d.kind = 'upload' then regexp_replace(d.url, '[?#].*$', '') else d.url end,
        headers = case when not ${isDelivered} or d.kind = 'report' then d.headers end
      from (select exists (select from ${webhook}
        where id = ${webhookId ?? null}::uuid and (off_since is not null or deleted_at is not null)) as is_off) as w
      where d.id = ${id} and d.status = 'sending' and d.attempts = ${claimed.attempt}
      returning d.id, d.status
    ), tried as (
      insert into ${deliveryAttempt} (delivery_id, number, at, ms, status, error, answer)
      select own.id, ${claimed.attempt}::smallint, now() - ${attempt.ms} * interval '1 millisecond', ${attempt.ms}::integer,
        ${status ?? null}::smallint, ${attempt.error ?? null}::text, ${attempt.answer}::text from own
    ), health as (
      update ${webhook} w set
        delivered_at = case when ${isDelivered} then now() else w.delivered_at end,
        failing_since = case when not ${isDelivered} then now() end
      from own where w.id = ${webhookId ?? null}::uuid and ${isJudged}
        -- not at each try: many tries at a time would wait for each other
        and case when ${isDelivered} then w.failing_since is not null or w.delivered_at is null or w.delivered_at < now() - interval '5 seconds'
          else w.failing_since is null end
    )
    select (select status from own) as status, (select failing_since < now() - ${failingSeconds} * interval '1 second'
      from ${webhook} where id = ${webhookId ?? null}::uuid and off_since is null) as is_failing`);
  const end = row?.status ?? 'stale';
  const isFailing = isJudged && !isDelivered && row?.is_failing === true;
  const reason = isGone ? 'gone' : isFailing ? 'failing' : undefined;
  if (end === 'waiting' && !reason) return { end, nextMs: (seconds ?? 0) * 1_000 };
  // Switching off is tried again, if the first answer was lost.
  if (webhookId === undefined || reason === undefined) return { end };
  const failed = await switchOff(db, webhookId, reason);
  return { end, ...(failed !== undefined && { off: { webhookId, reason, failed } }) };
}
