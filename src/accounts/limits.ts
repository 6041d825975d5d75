import { type SQL, sql } from 'drizzle-orm';
import type { KnownAnswers } from '../cache/known-answers.ts';
import type { Database } from '../db/pools.ts';
import { fairShare } from '../db/schema.ts';
import type { Limits } from '../domain/tier.ts';
import { CodedError } from '../kernel/errors.ts';

/*
 * Limits are exact: the requests are counted in the tenant's row of the fair-share state, which each submission locks
 * from the check to the commit. The time is read after the lock is taken.
 */

export type LimitName = 'minute' | 'day';

/** What is left of one limit. */
export interface Allowance {
  name: LimitName;
  /** requests allowed in the window */
  quota: number;
  windowSeconds: number;
  used: number;
  remaining: number;
  /** seconds until `remaining` grows */
  resetSeconds: number;
}

/** Use by the fair-share state: columns of a query, so snake case, and a type, as drizzle requires of a row. */
export type TenantUse = {
  /** requests accepted in the last 60 seconds */
  minute_used: number;
  /** seconds until the oldest of them is 60 seconds old */
  minute_reset: number;
  /** seconds until one more request is within the limit; 0 if it is now */
  minute_wait: number;
  /** requests accepted on this UTC day */
  day_used: number;
  /** seconds until it ends */
  day_reset: number;
};

const MINUTE = sql`interval '60 seconds'`;
const utcDay = (at: SQL) => sql`(${at} at time zone 'utc')::date`;

/** `recent, day, day_count` of a tenant's first request, as columns of a query over `now.at`. */
export const FIRST_GRANT = sql`array[now.at], ${utcDay(sql`now.at`)}, 1`;

/** The same after one more request of the tenant with the fair-share row `l`. */
export function oneMore({ requestsPerMinute }: Limits): SQL {
  const today = utcDay(sql`now.at`);
  const recent =
    requestsPerMinute === null ? sql`array[now.at]` : sql`${recentOf(sql`l.recent`, sql`now.at`)} || now.at`;
  return sql`${recent}, ${today}, case when l.day = ${today} then l.day_count + 1 else 1 end`;
}

/** Whether the row `l` is below its limits. If so, it still is a moment later, when {@link oneMore} is written. */
export function isBelow({ requestsPerMinute, requestsPerDay }: Limits): SQL {
  const now = sql`clock_timestamp()`;
  return sql`
    (${requestsPerMinute}::integer is null or cardinality(${recentOf(sql`l.recent`, now)}) < ${requestsPerMinute}::integer)
    and (${requestsPerDay}::integer is null or l.day is distinct from ${utcDay(now)} or l.day_count < ${requestsPerDay}::integer)`;
}

const recentOf = (recent: SQL, at: SQL) => sql`array(select t from unnest(${recent}) as t where t > ${at} - ${MINUTE})`;

/** The columns of {@link TenantUse} at `at`, over a fair-share row `l`. */
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

/** One for each limit of the tier. */
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

/** A request was over a limit of the tenant's tier. */
export class LimitReached extends CodedError {
  readonly limit: LimitName;

  constructor({ limit, allowances: all, waitSeconds }: Refusal) {
    const { quota } = all.find(({ name }) => name === limit) ?? { quota: 0 };
    const allowed = limit === 'minute' ? `${quota} in any 60 seconds` : `${quota} in a UTC day`;
    const retryAfterSeconds = Math.max(1, Math.ceil(waitSeconds));
    super('rate_limited', `your tier's limit is reached; allowed: ${allowed}; again in ${retryAfterSeconds} s`, {
      retryAfterSeconds,
      headers: rateLimitHeaders(all),
    });
    this.limit = limit;
  }
}

/** The headers `RateLimit` and `RateLimit-Policy` of the IETF's draft; none for a tier without limits. */
export function rateLimitHeaders(allowances: Allowance[]): Record<string, string> {
  if (allowances.length === 0) return {};
  const list = (item: (allowance: Allowance) => string) => allowances.map(item).join(', ');
  return {
    'RateLimit-Policy': list(({ name, quota, windowSeconds }) => `"${name}";q=${quota};w=${windowSeconds}`),
    RateLimit: list(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`),
  };
}

/** Why one more request is refused, and for how long. */
interface Refusal {
  limit: LimitName;
  allowances: Allowance[];
  waitSeconds: number;
}

function refusalOf(limits: Limits, use: TenantUse): Refusal | undefined {
  const all = allowances(limits, use);
  const isDayOver = all.some(({ name, remaining }) => name === 'day' && remaining === 0);
  if (isDayOver) return { limit: 'day', allowances: all, waitSeconds: use.day_reset };
  return use.minute_wait > 0 ? { limit: 'minute', allowances: all, waitSeconds: use.minute_wait } : undefined;
}

/** A cached refusal. */
export interface KnownRefusal {
  limits: Limits;
  refusal: Refusal;
  /** as `performance.now()` has it */
  untilMs: number;
}

interface LimiterOptions {
  db: Database;
  refusals: KnownAnswers<KnownRefusal>;
  /** milliseconds that a refusal is cached, at most */
  ttlMs: number;
}

/**
 * Refuses tenants that are at their limit, from a cache: use only falls as time passes, so a refusal holds in every
 * process until its time is over, and repeated requests cost no query.
 */
export class Limiter {
  readonly #options: LimiterOptions;

  constructor(options: LimiterOptions) {
    this.#options = options;
  }

  /** @returns undefined if no refusal is cached: the tenant may be at its limit all the same */
  known(userId: string, limits: Limits): LimitReached | undefined {
    const known = this.#options.refusals.get(userId);
    if (!known || !areSame(known.limits, limits)) return undefined;
    const waitSeconds = (known.untilMs - performance.now()) / 1_000;
    const passed = known.refusal.waitSeconds - waitSeconds;
    const left = (each: Allowance) => ({ ...each, resetSeconds: Math.max(0, Math.ceil(each.resetSeconds - passed)) });
    return new LimitReached({ ...known.refusal, waitSeconds, allowances: known.refusal.allowances.map(left) });
  }

  /** For a request that the database refused. @throws LimitReached, unless the limit allows it by now */
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
