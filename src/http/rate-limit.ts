import type { Allowance } from '../accounts/limits.ts';

/** `RateLimit` and `RateLimit-Policy`, as the IETF's draft writes them; none without limits. */
export function rateLimitHeaders(allowances: Allowance[]): Record<string, string> {
  if (allowances.length === 0) return {};
  const list = (item: (allowance: Allowance) => string) => allowances.map(item).join(', ');
  return {
    'RateLimit-Policy': list(({ name, quota, windowSeconds }) => `"${name}";q=${quota};w=${windowSeconds}`),
    RateLimit: list(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`),
  };
}
