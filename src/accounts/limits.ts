import type { KnownAnswers } from '../cache/known-answers.ts';
import type { Limits } from '../domain/tier.ts';
import { CodedError } from '../kernel/errors.ts';

/*
 * Limits are exact: `pdfprompt_submit` (sql/0021_submit.sql) counts the requests in the tenant's row of the fair-share
 * state, which it locks from the check to the commit. The time is read after the lock is taken.
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

/** A row of `pdfprompt_use`: snake case, and a type, as drizzle requires of a row. */
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

/** Use beside the limits of the tier, as `pdfprompt_submit` has them. */
export type TierUse = TenantUse & { requests_per_minute: number | null; requests_per_day: number | null };

export function limitsOf(row: TierUse): Limits {
  return { requestsPerMinute: row.requests_per_minute, requestsPerDay: row.requests_per_day };
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

  /** @param items of a batch, which count as so many */
  constructor({ limit, allowances: all, waitSeconds }: Refusal, items?: number) {
    const { quota, remaining } = all.find(({ name }) => name === limit) ?? { quota: 0, remaining: 0 };
    const allowed = limit === 'minute' ? `${quota} in any 60 seconds` : `${quota} in a UTC day`;
    const retryAfterSeconds = Math.max(1, Math.ceil(waitSeconds));
    const again = `again in ${retryAfterSeconds} s`;
    const isNever = items !== undefined && items > quota;
    const message =
      items === undefined
        ? `your limit is reached; allowed: ${allowed}; ${again}`
        : `the batch has ${items} items; allowed today: ${remaining} more${isNever ? `, and never more than ${allowed}` : `; ${again}`}`;
    super('rate_limited', message, {
      ...(!isNever && { retryAfterSeconds }),
      headers: rateLimitHeaders(all),
    });
    this.limit = limit;
  }
}

/** For a batch that has more items than the day allows: fewer may be allowed, so this is not cached. */
export function tooManyItems(items: number, use: TierUse): LimitReached {
  const all = allowances(limitsOf(use), use);
  return new LimitReached({ limit: 'day', allowances: all, waitSeconds: use.day_reset }, items);
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

function refusalOf(limits: Limits, use: TenantUse): Refusal {
  const all = allowances(limits, use);
  const isDayOver = all.some(({ name, remaining }) => name === 'day' && remaining === 0);
  return isDayOver
    ? { limit: 'day', allowances: all, waitSeconds: use.day_reset }
    : { limit: 'minute', allowances: all, waitSeconds: use.minute_wait };
}

/** A cached refusal. */
export interface KnownRefusal {
  limits: Limits;
  refusal: Refusal;
  /** as `performance.now()` has it */
  untilMs: number;
}

interface LimiterOptions {
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

  /** For a request that the database refused, with the use at that moment. */
  refuse(userId: string, use: TierUse): LimitReached {
    const { refusals, ttlMs } = this.#options;
    const limits = limitsOf(use);
    const refusal = refusalOf(limits, use);
    const ms = refusal.waitSeconds * 1_000;
    refusals.put(userId, { limits, refusal, untilMs: performance.now() + ms }, Math.min(ms, ttlMs));
    return new LimitReached(refusal);
  }
}

const areSame = (a: Limits, b: Limits) =>
  a.requestsPerMinute === b.requestsPerMinute && a.requestsPerDay === b.requestsPerDay;
