import { z } from 'zod';
import { checkedText } from './check-input.ts';

const MIN = 100;
const MAX = 599;
const MAX_ENTRIES = 100;
const ALLOWED = `allowed: statuses from ${MIN} to ${MAX}, and ranges such as "4xx" or "500-599"`;

/** The first and the last status of `404`, `"404"`, `"4xx"` or `"400-499"`; undefined if it is none of them. */
function rangeOf(entry: number | string): [first: number, last: number] | undefined {
  const [, hundred, from = '', to = from] = /^(?:([1-5])xx|(\d{3})(?:-(\d{3}))?)$/i.exec(String(entry)) ?? [];
  const [first, last] = hundred === undefined ? [Number(from), Number(to)] : [Number(hundred) * 100, Number(hundred) * 100 + 99]; // prettier-ignore
  return first >= MIN && last <= MAX && first <= last ? [first, last] : undefined;
}

/** HTTP statuses that fail a job: numbers and ranges; an empty list is none. */
export const failingStatuses = z
  .array(z.union([z.int().min(MIN).max(MAX), checkedText((text) => (rangeOf(text) ? undefined : ALLOWED), 7)], ALLOWED))
  .max(MAX_ENTRIES)
  .meta({ example: ['4xx', 503] });

/** Whether a status is one of a list; with true instead of it, whether it is 400 or more. */
export function statusFails(fails: boolean | z.output<typeof failingStatuses>, status: number): boolean {
  if (typeof fails === 'boolean') return fails && status >= 400;
  return fails.some((entry) => {
    const [first, last] = rangeOf(entry) ?? [];
    return first !== undefined && last !== undefined && first <= status && status <= last;
  });
}
