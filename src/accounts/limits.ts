import { type SQL, sql } from 'drizzle-orm';
import type { KnownAnswers } from '../cache/known-answers.ts';
import type { Database } from '../db/pools.ts';
import { fairShare } from '../db/schema.ts';
import type { Limits } from '../domain/tier.ts';
import { CodedError } from '../kernel/errors.ts';

/*
 * Limits are exact because they live where a submission takes its turn anyway: in the row of the
 * tenant's lane, which is locked from the check to the commit. The time is read behind the lock.
 */

export type LimitName = 'minute' | 'day';

/** What is left of one limit. */
export interface Allowance {
  name: LimitName;
  /** requests in all */
  quota: number;
  windowSeconds: number;
  used: number;
  remaining: number;
  /** seconds until more is left than now */
  resetSeconds: number;
}

/** What a lane says of its use: columns of a query, so snake case, and a type, so that drizzle takes it for a row. */
export type TenantUse = {
  /** requests accepted in the last 60 seconds */
  minute_used: number;
  /** seconds until the oldest of them is 60 seconds old */
  minute_reset: number;
  /** seconds until so many of them are that one more is within the limit; 0 if it is now */
  minute_wait: number;
  /** requests accepted on this UTC day */
  day_used: number;
  /** seconds until it ends */
  day_reset: number;
};

const MINUTE = sql`interval '60 seconds'`;
const utcDay = (at: SQL) => sql`(${at} at time zone 'utc')::date`;

/** The three columns of a tenant's first request ever, as a query over `now.at`. */
export const FIRST_GRANT = sql`array[now.at], ${utcDay(sql`now.at`)}, 1`;

/** `(recent, day, day_count)` after one more request on the lane `l`, as a query over `now.at`. */
export function oneMore({ requestsPerMinute }: Limits): SQL {
  const today = utcDay(sql`now.at`);
  const recent =
    requestsPerMinute === null ? sql`array[now.at]` : sql`${recentOf(sql`l.recent`, sql`now.at`)} || now.at`;
  return sql`${recent}, ${today}, case when l.day = ${today} then l.day_count + 1 else 1 end`;
}

/** Whether the lane `l` is below its limits: asked just before {@link oneMore}, and true then too if it is now. */
export function isBelow({ requestsPerMinute, requestsPerDay }: Limits): SQL {
  const now = sql`clock_timestamp()`;
  return sql`
    (${requestsPerMinute}::integer is null or cardinality(${recentOf(sql`l.recent`, now)}) < ${requestsPerMinute}::integer)
    and (${requestsPerDay}::integer is null or l.day is distinct from ${utcDay(now)} or l.day_count < ${requestsPerDay}::integer)`;
}

const recentOf = (recent: SQL, at: SQL) => sql`array(select t from unnest(${recent}) as t where t > ${at} - ${MINUTE})`;

/** The columns of {@link TenantUse}, of a row `l` with a lane's columns, at `at`. */
export function useOf({ requestsPerMinute }: Limits, at: SQL): SQL {
  const recent = recentOf(sql`l.recent`, at);
  const until = (moment: SQL) => sql`extract(epoch from ${moment} - ${at})::double precision`;
  const place = sql`cardinality(${recent}) - ${requestsPerMinute}::integer + 1`;
  return sql`cardinality(${recent}) as minute_used,
    coalesce(${until(sql`(${recent})[1] + ${MINUTE}`)}, 0) as minute_reset,
    coalesce(${until(sql`(${recent})[${place}] + ${MINUTE}`)}, 0) as minute_wait,
    case when l.day = ${utcDay(at)} then l.day_count else 0 end as day_used,
    ${until(sql`(${utcDay(at)} + 1)::timestamp at time zone 'utc'`)} as day_reset`;
}

const DAY_SECONDS = 86_400;

/** For each limit that there is. */
export function allowances({ requestsPerMinute, requestsPerDay }: Limits, use: TenantUse): Allowance[] {
  const of = (name: LimitName, quota: number | null, windowSeconds: number, used: number, reset: number) =>
    quota === null
      ? []
      : [{ name, quota, windowSeconds, used, remaining: Math.max(0, quota - used), resetSeconds: Math.ceil(reset) }];
  return [
    ...of('minute', requestsPerMinute, 60, use.minute_used, use.minute_reset),
    ...of('day', requestsPerDay, DAY_SECONDS, use.day_used, use.day_reset),
  ];
}

/** A tenant has asked for as much as its tier allows. */
export class LimitReached extends CodedError {
  readonly limit: LimitName;
  readonly allowances: Allowance[];

  constructor({ limit, allowances: all, waitSeconds }: Refusal) {
    const { quota } = all.find(({ name }) => name === limit) ?? { quota: 0 };
    const allowed = limit === 'minute' ? `${quota} in any 60 seconds` : `${quota} in a UTC day`;
    const retryAfterSeconds = Math.max(1, Math.ceil(waitSeconds));
    super('rate_limited', `your tier's limit is reached; allowed: ${allowed}; again in ${retryAfterSeconds} s`, {
      retryAfterSeconds,
    });
    this.limit = limit;
    this.allowances = all;
  }
}

/** Why one more request is refused, and for how long. */
interface Refusal {
  limit: LimitName;
  allowances: Allowance[];
  waitSeconds: number;
}

/** Which limit is reached, if one is. */
function refusalOf(limits: Limits, use: TenantUse): Refusal | undefined {
  const all = allowances(limits, use);
  const isDayOver = all.some(({ name, remaining }) => name === 'day' && remaining === 0);
  if (isDayOver) return { limit: 'day', allowances: all, waitSeconds: use.day_reset };
  return use.minute_wait > 0 ? { limit: 'minute', allowances: all, waitSeconds: use.minute_wait } : undefined;
}

/** What is kept of a refusal, by the user's id. */
export interface KnownRefusal {
  limits: Limits;
  refusal: Refusal;
  /** by this process's clock */
  untilMs: number;
}

interface LimiterOptions {
  db: Database;
  refusals: KnownAnswers<KnownRefusal>;
  /** milliseconds that a refusal is answered from memory, at most */
  ttlMs: number;
}

/**
 * Remembers who is at their limit: until it can have changed, nobody is at it less in any process, so
 * that asking again and again costs no query.
 */
export class Limiter {
  readonly #options: LimiterOptions;

  constructor(options: LimiterOptions) {
    this.#options = options;
  }

  /** Whether a tenant is known to be at its limit. Nothing is said of who is not known. */
  known(userId: string, limits: Limits): LimitReached | undefined {
    const known = this.#options.refusals.get(userId);
    if (!known || !areSame(known.limits, limits)) return undefined;
    const waitSeconds = (known.untilMs - performance.now()) / 1_000;
    const passed = known.refusal.waitSeconds - waitSeconds;
    const left = (each: Allowance) => ({ ...each, resetSeconds: Math.max(0, Math.ceil(each.resetSeconds - passed)) });
    return new LimitReached({ ...known.refusal, waitSeconds, allowances: known.refusal.allowances.map(left) });
  }

  /** After a request was not accepted. @throws LimitReached unless it may be accepted by now */
  async refuse(userId: string, limits: Limits): Promise<void> {
    const { db, refusals, ttlMs } = this.#options;
    const [use] = await db.execute<TenantUse>(sql`
      select ${useOf(limits, sql`now.at`)} from ${fairShare} as l, (select clock_timestamp() as at) as now
      where l.user_id = ${userId}`);
    const refusal = use && refusalOf(limits, use);
    if (!refusal) return;
    const ms = refusal.waitSeconds * 1_000;
    refusals.put(userId, { limits, refusal, untilMs: performance.now() + ms }, Math.min(ms, ttlMs));
    throw new LimitReached(refusal);
  }
}

const areSame = (a: Limits, b: Limits) =>
  a.requestsPerMinute === b.requestsPerMinute && a.requestsPerDay === b.requestsPerDay;
