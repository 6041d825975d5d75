import { Cron } from 'croner';
import { nearest } from '../kernel/nearest.ts';

/** Times on the clocks of a place: five fields, or one of {@link NICKNAMES}. */
export interface Rule {
  cron: string;
  /** IANA, as Europe/Vienna */
  timezone: string;
}

/** Of a cron expression, in characters. */
export const MAX_CRON = 200;

const NICKNAMES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
const FIELDS = [
  { name: 'minute', allowed: '0 to 59' },
  { name: 'hour', allowed: '0 to 23' },
  { name: 'day of the month', allowed: '1 to 31, L for the last, or 15W for the weekday nearest to the 15th' },
  { name: 'month', allowed: '1 to 12, or JAN to DEC' },
  { name: 'day of the week', allowed: '0 to 7 (0 and 7 are Sunday), SUN to SAT, FRI#2 for the second, or FRI#L for the last' },
]; // prettier-ignore
const NAMES = FIELDS.map(({ name }) => name).join(', ');

/**
 * Why a text is no cron expression; undefined if it is one. Only the text is judged: that its times never come, as on a
 * 30 February, {@link nextTime} finds.
 */
export function cronProblem(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) {
    if (NICKNAMES.includes(trimmed.toLowerCase())) return undefined;
    const meant = nearest(trimmed, NICKNAMES);
    return `there is no ${trimmed.slice(0, 50)}${meant === undefined ? '' : `; did you mean ${meant}?`}; allowed: ${NICKNAMES.join(', ')}`;
  }
  const fields = trimmed.split(/\s+/);
  if (fields.length !== FIELDS.length) {
    const seconds = fields.length === 6 ? ', without seconds' : '';
    return `it has ${trimmed === '' ? 0 : fields.length} fields; allowed: 5 (${NAMES})${seconds}, as 0 8 1 * *, or ${NICKNAMES.join(', ')}`;
  }
  const wrong = fields.findIndex((field, index) => !isValid(field, index));
  const { name, allowed } = FIELDS[wrong] ?? {};
  if (name === undefined) return isCron(trimmed) ? undefined : `allowed: 5 fields (${NAMES})`;
  return `the ${name} ${(fields[wrong] ?? '').slice(0, 50)} is not valid; allowed: ${allowed}, *, lists as 1,15, ranges as 1-5, and steps as */2`;
}

/** One field beside others that are valid. A `?` would be the time at which it is read. */
function isValid(field: string, index: number): boolean {
  return !field.includes('?') && isCron(FIELDS.map((_, at) => (at === index ? field : '*')).join(' '));
}

function isCron(cron: string): boolean {
  try {
    open({ cron, timezone: 'UTC' });
    return true;
  } catch {
    return false;
  }
}

/**
 * The first time of a rule after another time; undefined if there is none.
 *
 * Where clocks go forward, a time of day that is left out is the moment of the change, and times in an interval (with
 * `*` or a step in the minute or the hour) that are left out are none. Where they go back, a time of day is the first of
 * the two, and times in an interval are both.
 */
export function nextTime(rule: Rule, after: Date): Date | undefined {
  return open(rule).nextRun(after) ?? undefined;
}

function open({ cron, timezone }: Rule): Cron {
  return new Cron(cron.trim(), { timezone, paused: true, mode: '5-part', fixedTimeRule: 'no-wildcard' });
}
