import { toText } from './compose-context.ts';
import { escapeHtml } from './escape.ts';
import type { OwnFilter } from './filter.ts';
import { format } from './formats.ts';
import { toDecimal } from './number-filters.ts';
import { Mistake } from './template-failure.ts';

const DURATION = /^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d{1,9})?S)?)?$/;
const UNITS: [string, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]]; // prettier-ignore

/** Seconds. @throws Mistake */
function toSeconds(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1e12) return Math.round(value);
  const [whole, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] =
    (typeof value === 'string' && DURATION.exec(value)) || [];
  if (whole === undefined || whole === 'P') throw new Mistake('duration: needs seconds, or text such as "PT1H30M"');
  return (
    Number(weeks) * 604_800 + Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)
  );
}

function numberOf(filter: string, value: unknown): number {
  return Number(toDecimal(filter, value));
}

const PLACEHOLDER = /\{(\w{1,50})\}/g;

export const textFilters: Record<string, OwnFilter> = {
  duration: {
    most: 1,
    known: ['style'],
    apply(value, given, { locale }) {
      const style = (given.first() ?? given.get('style') ?? 'short') as string;
      if (!['long', 'short', 'narrow', 'digital'].includes(style))
        throw new Mistake('duration: must be one of long, short, narrow, digital');
      let left = toSeconds(value);
      if (style === 'digital') {
        const two = (number: number) => String(number).padStart(2, '0');
        return `${Math.floor(left / 3_600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
      }
      const parts = UNITS.flatMap(([unit, seconds]) => {
        const count = Math.floor(left / seconds);
        left -= count * seconds;
        const options = { style: 'unit', unit, unitDisplay: style };
        return count > 0 ? [format(Intl.NumberFormat, locale, options).format(count)] : [];
      });
      if (parts.length === 0) parts.push(format(Intl.NumberFormat, locale, { style: 'unit', unit: 'second', unitDisplay: style }).format(0)); // prettier-ignore
      return format(Intl.ListFormat, locale, { type: 'unit', style }).format(parts);
    },
  },
  list: {
    most: 1,
    known: ['type', 'style'],
    apply(value, given, { locale }, context) {
      if (!Array.isArray(value)) throw new Mistake('list: needs a list');
      const type = given.first() ?? given.get('type') ?? 'and';
      if (type !== 'and' && type !== 'or') throw new Mistake('list: must be one of and, or');
      const texts = value.map(toText);
      context.memoryLimit.use(texts.reduce((sum, text) => sum + text.length, 0));
      const style = given.choice('style', ['long', 'short', 'narrow']) ?? 'long';
      return format(Intl.ListFormat, locale, { type: type === 'and' ? 'conjunction' : 'disjunction', style }).format(
        texts,
      );
    },
  },
  plural: {
    known: ['zero', 'one', 'two', 'few', 'many', 'other'],
    apply(value, given, { locale }) {
      const form = format(Intl.PluralRules, locale, {}).select(numberOf('plural', value));
      const text = given.text(form) ?? given.text('other');
      if (text === undefined) throw new Mistake('plural: needs the form other');
      return text;
    },
  },
  t: {
    apply(key, given, { locale, strings }, context) {
      if (typeof key !== 'string') throw new Mistake('t: needs the key of a string');
      const count = given.get('count');
      const text = strings.find(key, locale, count === undefined ? undefined : numberOf('t: count', count));
      const filled = text.replaceAll(PLACEHOLDER, (_, name: string) => {
        if (!given.named.has(name)) throw new Mistake(`t: the string "${key.slice(0, 100)}" needs ${name}`);
        const value = given.named.get(name);
        return typeof value === 'number' ? format(Intl.NumberFormat, locale, {}).format(value) : toText(value);
      });
      context.memoryLimit.use(filled.length);
      return filled;
    },
  },
  json: {
    most: 1,
    known: [],
    raw: true,
    apply(value, given, _, context) {
      const indent = given.first() === undefined ? 0 : (given.first() as number);
      if (typeof indent !== 'number' || indent < 0 || indent > 10) throw new Mistake('json: indents by 0 to 10');
      const text = JSON.stringify(value ?? null, undefined, indent);
      context.memoryLimit.use(text.length);
      // nothing that could end a script, or mean something in HTML, is left
      return text.replaceAll(/[<>&'\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
    },
  },
  newline_to_br: {
    known: [],
    raw: true,
    apply(value, _, { escape }, context) {
      const text = toText(value);
      context.memoryLimit.use(text.length);
      return text.split(/\r?\n/).map(escape).join('<br>\n');
    },
  },
  escape: { known: [], raw: true, apply: (value, _, { escape }) => escape(toText(value)) },
  escape_once: {
    known: [],
    raw: true,
    apply: (value) => escapeHtml(toText(value)).replaceAll(/&amp;(amp|lt|gt|quot|#39|#34);/g, '&$1;'),
  },
};
