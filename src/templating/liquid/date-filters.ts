import { filters as liquidFilters } from 'liquidjs';
import { canonicalTimezone } from '../../domain/locale.ts';
import type { FilterArguments } from './filter-arguments.ts';
import { oneOf } from './filter-arguments.ts';
import type { OwnFilter } from './filter.ts';
import { format } from './formats.ts';
import { toMoment } from './moment.ts';
import { Mistake } from './template-failure.ts';

const STYLES = ['full', 'long', 'medium', 'short'] as const;
const NUMERIC = ['numeric', '2-digit'] as const;
const WORDS = ['long', 'short', 'narrow'] as const;
/** Pieces of a date that may be chosen instead of a style. */
const PIECES = {
  weekday: WORDS,
  year: NUMERIC,
  month: [...NUMERIC, ...WORDS],
  day: NUMERIC,
  hour: NUMERIC,
  minute: NUMERIC,
  second: NUMERIC,
} as const;

function zoneOf(filter: string, given: FilterArguments, timezone: string): string {
  const named = given.text('timezone');
  if (named === undefined) return timezone;
  const zone = canonicalTimezone(named);
  if (zone === undefined) throw new Mistake(`${filter}: there is no timezone ${JSON.stringify(named.slice(0, 50))}`);
  return zone;
}

function piecesOf(given: FilterArguments): object {
  const entries = Object.entries(PIECES).map(([name, allowed]) => [name, given.choice(name, allowed)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** A filter that shows a date by a style, or by the pieces that are named. */
function dateFilter(
  name: string,
  byStyle: (style: (typeof STYLES)[number] | undefined, given: FilterArguments) => object,
): OwnFilter {
  return {
    most: 1,
    known: ['timezone', 'time', ...Object.keys(PIECES)],
    apply(value, given, { locale, timezone }) {
      const { ms, isZoneless } = toMoment(name, value);
      const pieces = piecesOf(given);
      const style = oneOf(name, given.first(), STYLES);
      const timeZone = isZoneless ? 'UTC' : zoneOf(name, given, timezone);
      const shown = Object.keys(pieces).length > 0 ? pieces : byStyle(style, given);
      return format(Intl.DateTimeFormat, locale, { ...shown, timeZone }).format(ms);
    },
  };
}

export const dateFilters: Record<string, OwnFilter> = {
  day: dateFilter('day', (dateStyle = 'medium') => ({ dateStyle })),
  time: dateFilter('time', (timeStyle = 'short') => ({ timeStyle })),
  datetime: dateFilter('datetime', (dateStyle = 'medium', given) => ({
    dateStyle,
    timeStyle: given.choice('time', STYLES) ?? 'short',
  })),
  /** Liquid's own, by the letters of strftime. */
  date: {
    most: 2,
    known: [],
    apply(value, given, { timezone }, context) {
      const { ms, isZoneless } = toMoment('date', value);
      const pattern = given.first();
      if (typeof pattern !== 'string')
        throw new Mistake('date: needs a pattern such as "%d.%m.%Y"; or use day, time, datetime');
      const date = liquidFilters.date as (this: object, ...given: unknown[]) => unknown;
      return date.call({ context }, ms / 1_000, pattern, isZoneless ? 'UTC' : timezone);
    },
  },
};
