import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Database, Queryable } from '../db/pools.ts';
import { delivery, user, webhook, webhookSecret } from '../db/schema.ts';
import type { DeliveryKind, DeliveryOptions } from '../domain/delivery.ts';
import { isOverturned } from './is-overturned.ts';
import type { DeliverySlots, Destination, Share } from './delivery-slots.ts';

/** Seconds after which a delivery whose worker has not said that it lives is sent again. */
export const CLAIM_SECONDS = 30;
/** Hosts of one tenant that are served by one claim. */
const HOSTS_A_TURN = 4;
/** Tenants that one statement looks at, and statements of one claim: behind a host without places there may be many. */
const TENANTS_A_LOOK = 100;
const LOOKS = 3;

/** A delivery that this process sends. `attempt` guards its result: the next claim has a higher number. */
export interface ClaimedDelivery extends Destination {
  id: string;
  kind: DeliveryKind;
  /** of the end of a job */
  jobId: string | undefined;
  /** of the end of a batch, and which of its ends: the time, as Postgres writes it */
  batchId: string | undefined;
  batchEndedAt: string | undefined;
  /** of an endpoint: of no job and no batch */
  isTest: boolean;
  /** undefined: a URL of the request */
  webhookId: string | undefined;
  url: string;
  /** of an upload or a report */
  headers: Record<string, string>;
  options: DeliveryOptions;
  /** of a report: the end of the upload that is reported */
  reportOn: 'delivered' | 'failed' | undefined;
  /** a report of a failure whose upload was replayed, and is delivered */
  isOverturned: boolean;
  attempt: number;
  /** tries since it was made or replayed, with this one */
  round: number;
  /** whether its endpoint was switched off or deleted meanwhile */
  isOff: boolean;
  /** that sign it: the one in force, and until its end the one before; none yet for a user's first URL */
  secrets: string[];
  /** by the database's clock */
  claimedAt: Date;
  /** milliseconds since it was due */
  waitedMs: number;
}

/**
 * Takes deliveries of one kind for the free slots, some of each destination, in one short statement. Looking for
 * destinations jumps from one to the next, so it costs the same whatever waits for them.
 * @returns `isMore`: there may be more; without any, behind many tenants that have no place now
 */
export async function claimDeliveries(
  db: Database,
  kind: DeliveryKind,
  slots: DeliverySlots,
): Promise<{ claimed: ClaimedDelivery[]; isMore: boolean }> {
  for (let look = 0; look < LOOKS && slots.free > 0; look++) {
    const { found, passed } = await nextDestinations(db, kind, slots);
    const shares = slots.share(found);
    if (shares.length > 0) return { claimed: await take(db, kind, shares), isMore: true };
    if (passed === undefined) return { claimed: [], isMore: false };
    slots.pass(passed);
  }
  return { claimed: [], isMore: slots.free > 0 };
}

/** An index for each kind, so that none has to look past the others' rows. */
const ready = (kind: DeliveryKind) => sql.raw(`status = 'ready' and kind = '${kind}'`);

/**
 * Destinations with something to send and a place for it, those first whose turn is next.
 * @returns `passed`: none was found as far as this tenant
 */
async function nextDestinations(
  db: Queryable,
  kind: DeliveryKind,
  slots: DeliverySlots,
): Promise<{ found: Destination[]; passed: string | undefined }> {
  const { lastUser, lastHosts } = slots.turns;
  const { users, hosts, destinations: full } = slots.full;
  const from = sql`from ${delivery} where ${ready(kind)}`;
  const pairs = (each: readonly (readonly [string, string])[]) =>
    sql`unnest(${arrayLiteral(each.map(([id]) => id))}::uuid[], ${arrayLiteral(each.map(([, host]) => host))}::text[])`;
  const rows = await db.execute<{ user_id: string; host: string | null }>(sql`
    with recursive tenant (user_id, again, n) as (
      select ${lastUser}::uuid, false, 0
      union all
      select coalesce(following.user_id, case when not t.again then (select user_id ${from} order by user_id limit 1) end),
        t.again or following.user_id is null, t.n + 1
      from tenant t cross join lateral (
        select (select user_id ${from} and user_id > t.user_id order by user_id limit 1) as user_id offset 0
      ) as following
      where t.user_id is not null and t.n < ${TENANTS_A_LOOK} and not (t.again and t.user_id > ${lastUser}::uuid)
    ), destination as materialized (
    select t.user_id, h.host from tenant t cross join lateral (
      with recursive turn as (
        select coalesce((select last.host from ${pairs(lastHosts)} as last (user_id, host) where last.user_id = t.user_id), '') as host
      ), place (host, again, n) as (
        select turn.host, false, 0 from turn
        union all
        select coalesce(following.host, case when not p.again then
            (select host ${from} and user_id = t.user_id order by host limit 1) end),
          p.again or following.host is null, p.n + 1
        from place p cross join lateral (
          select (select host ${from} and user_id = t.user_id and host > p.host order by host limit 1) as host offset 0
        ) as following
        where p.host is not null and not (p.again and p.host > (select turn.host from turn))
      )
      select p.host from place p
      where p.n > 0 and p.host is not null and not (p.again and p.host > (select turn.host from turn))
        and p.host <> all (${arrayLiteral(hosts)}::text[])
        and not exists (select from ${pairs(full.map(({ userId, host }) => [userId, host]))} as taken (user_id, host)
          where taken.user_id = t.user_id and taken.host = p.host)
      limit ${HOSTS_A_TURN}
    ) as h
    where t.n > 0 and t.user_id is not null and not (t.again and t.user_id > ${lastUser}::uuid)
      and t.user_id <> all (${arrayLiteral(users)}::uuid[])
    limit ${slots.free}
    )
    select user_id, host from destination
    union all
    select user_id, null from tenant where n = ${TENANTS_A_LOOK} and user_id is not null and not exists (select from destination)`);
  const found = [...rows].flatMap(({ user_id: userId, host }) => (host === null ? [] : [{ userId, host }]));
  return { found, passed: found.length > 0 ? undefined : rows[0]?.user_id };
}

interface Row extends Record<string, unknown> {
  id: string;
  user_id: string;
  host: string;
  kind: DeliveryKind;
  job_id: string | null;
  batch_id: string | null;
  batch_ended_at: string | null;
  webhook_id: string | null;
  url: string;
  headers: Record<string, string> | null;
  options: DeliveryOptions | null;
  report_on: 'delivered' | 'failed' | null;
  is_overturned: boolean;
  attempts: number;
  round: number;
  is_off: boolean;
  secret: string | null;
  previous_secret: string | null;
  at: string;
  waited_ms: number;
}

async function take(db: Queryable, kind: DeliveryKind, shares: readonly Share[]): Promise<ClaimedDelivery[]> {
  const column = (values: readonly (string | number)[]) => arrayLiteral(values.map(String));
  const rows = await db.execute<Row>(sql`
    with destination as (
      select * from unnest(${column(shares.map(({ userId }) => userId))}::uuid[],
        ${column(shares.map(({ host }) => host))}::text[],
        ${column(shares.map(({ places }) => places))}::integer[]) as l (user_id, host, places)
    ), picked as (
      select d.id, d.webhook_id, d.user_id from destination cross join lateral (
        select id, webhook_id, user_id from ${delivery}
        where ${ready(kind)} and user_id = destination.user_id and host = destination.host
        order by ready_at limit destination.places for update skip locked
      ) as d
    )
    update ${delivery} d set status = 'sending', attempts = d.attempts + 1, round = d.round + 1,
      claimed_until = now() + ${CLAIM_SECONDS} * interval '1 second'
    from picked left join ${webhook} w on w.id = picked.webhook_id
      left join ${webhookSecret} own on own.user_id = picked.user_id and picked.webhook_id is null
    where d.id = picked.id
    returning d.id, d.user_id, d.host, d.kind, d.job_id, d.batch_id, d.batch_ended_at::text as batch_ended_at, d.webhook_id, coalesce(d.url, w.url) as url, d.headers, d.options, d.report_on, ${isOverturned} as is_overturned,
      d.attempts, d.round, coalesce(w.off_since is not null or w.deleted_at is not null, false)
        or exists (select from ${user} u where u.id = d.user_id and u.erased_at is not null) as is_off,
      coalesce(w.secret, own.secret) as secret,
      case when coalesce(w.previous_secret_until, own.previous_secret_until) > now()
        then coalesce(w.previous_secret, own.previous_secret) end as previous_secret,
      to_json(clock_timestamp()) #>> '{}' as at,
      (extract(epoch from clock_timestamp() - d.ready_at) * 1000)::double precision as waited_ms`);
  return [...rows].map(toClaimed);
}

function toClaimed(row: Row): ClaimedDelivery {
  return {
    id: row.id,
    userId: row.user_id,
    host: row.host,
    kind: row.kind,
    jobId: row.job_id ?? undefined,
    batchId: row.batch_id ?? undefined,
    batchEndedAt: row.batch_ended_at ?? undefined,
    isTest: row.job_id === null && row.batch_id === null,
    webhookId: row.webhook_id ?? undefined,
    url: row.url,
    headers: row.headers ?? {},
    options: row.options ?? {},
    reportOn: row.report_on ?? undefined,
    isOverturned: row.is_overturned,
    attempt: row.attempts,
    round: row.round,
    isOff: row.is_off,
    secrets: [row.secret, row.previous_secret].filter((secret) => secret !== null),
    claimedAt: new Date(row.at),
    waitedMs: Math.max(0, row.waited_ms),
  };
}
