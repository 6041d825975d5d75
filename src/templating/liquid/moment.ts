import { Mistake } from './template-failure.ts';

/** A point in time; or a day and an hour without a time zone, which are the same in every one. */
export interface Moment {
  /** milliseconds since 1970; without a time zone as if in UTC */
  ms: number;
  isZoneless: boolean;
}

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * Reads `2026-01-31` and `2026-01-31T10:00` (which stay that day and hour everywhere), the same with `Z` or `+02:00`,
 * seconds since 1970, and `now`.
 * @throws Mistake
 */
export function toMoment(filter: string, value: unknown): Moment {
  if (typeof value === 'number') return checked(filter, { ms: value * 1_000, isZoneless: false });
  if (value === 'now' || value === 'today') return { ms: Date.now(), isZoneless: false };
  const [, day, time = '00:00', zone] = (typeof value === 'string' && ISO.exec(value.trim())) || [];
  if (day === undefined) throw new Mistake(`${filter}: ${EXPECTED}`);
  const moment = checked(filter, { ms: Date.parse(`${day}T${time}${zone ?? 'Z'}`), isZoneless: zone === undefined });
  // Date.parse makes the 2nd of March of a 30th of February
  if (zone === undefined && new Date(moment.ms).toISOString().slice(0, 10) !== day)
    throw new Mistake(`${filter}: there is no such day`);
  return moment;
}

const EXPECTED = 'needs a date such as "2026-01-31" or "2026-01-31T10:00:00Z", seconds since 1970, or "now"';

function checked(filter: string, moment: Moment): Moment {
  if (Number.isNaN(new Date(moment.ms).getTime())) throw new Mistake(`${filter}: ${EXPECTED}`);
  return moment;
}
