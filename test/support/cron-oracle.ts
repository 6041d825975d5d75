/**
 * The times of cron expressions by brute force: every minute is looked at, and what clocks show then is what Intl says.
 * Nothing here is of the product.
 */

/** With half an hour of summer time, with none, with changes at midnight, and on both sides of the equator. */
export const ZONES = ['Europe/Vienna', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/Santiago'];

const MINUTE = 60_000;
const NICKNAMES: Record<string, string> = { '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@hourly': '0 * * * *' };
const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');

/** What clocks on walls show in each minute, as minutes since 1970 as if it were in UTC; by zone and first minute. */
const walls = new Map<string, Float64Array>();

function wallsOf(timezone: string, from: number, until: number): Float64Array {
  const key = [timezone, from, until].join();
  const known = walls.get(key);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  const wallAt = (time: number) => {
    const [day = NaN, month = NaN, year = NaN, hour = NaN, minute = NaN] = format.format(time).split(/\D+/).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute) / MINUTE;
  };
  const found = new Float64Array((until - from) / MINUTE);
  for (let hour = 0; hour < found.length; hour += 60) {
    const first = wallAt(from + hour * MINUTE);
    // Clocks that are an hour on after an hour have not been changed in it. Asking Intl takes most of the time.
    const isPlain = wallAt(from + (hour + 60) * MINUTE) === first + 60;
    for (let index = hour; index < Math.min(hour + 60, found.length); index++)
      found[index] = isPlain ? first + index - hour : wallAt(from + index * MINUTE);
  }
  walls.set(key, found);
  return found;
}

interface Field {
  matches: (value: number) => boolean;
  isAny: boolean;
  /** whether it has a `*` or a step */
  isInterval: boolean;
}

function field(text: string, names: string[], offset: number, from: number, to: number): Field {
  const number = (part: string) => (names.includes(part) ? names.indexOf(part) + offset : Number(part));
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const [range = '', step = '1'] = item.split('/');
    const [first, last] = range === '*' ? [from, to] : range.split('-').map(number);
    for (let value = first ?? NaN; value <= (last ?? first ?? NaN); value += Number(step)) values.add(value);
  }
  return { matches: (value) => values.has(value), isAny: text === '*', isInterval: /[*/]/.test(text) };
}

/** Whether the minute of a wall clock is one of the expression's, and whether its times are those of an interval. */
function parse(cron: string) {
  const [minuteText = '', hourText = '', dayText = '', monthText = '', weekdayText = ''] = (NICKNAMES[cron] ?? cron).split(' ');
  const minute = field(minuteText, [], 0, 0, 59);
  const hour = field(hourText, [], 0, 0, 23);
  const month = field(monthText, MONTHS, 1, 1, 12);
  const [weekday = '', nth] = weekdayText.split('#');
  const weekdays = field(weekday, DAYS, 0, 0, 6);
  const days = dayText === 'L' ? undefined : field(dayText, [], 0, 1, 31);
  const matches = (wall: number) => {
    if (!minute.matches(wall % 60) || !hour.matches(Math.floor(wall / 60) % 24)) return false;
    const date = new Date(wall * MINUTE);
    if (!month.matches(date.getUTCMonth() + 1)) return false;
    const day = date.getUTCDate();
    const isDay = days ? days.matches(day) : new Date(date.getTime() + 86_400_000).getUTCDate() === 1;
    const isWeekday = weekdays.matches(date.getUTCDay()) && (nth === undefined || Math.ceil(day / 7) === Number(nth));
    // As in every cron: where both are named, either.
    return days?.isAny ? isWeekday : weekdays.isAny ? isDay : isDay || isWeekday;
  };
  return { matches, isInterval: minute.isInterval || hour.isInterval };
} // prettier-ignore

/** The times of an expression, from one time (inclusive) until another (exclusive), in milliseconds. */
export function timesOf(cron: string, timezone: string, { from, until }: { from: number; until: number }): number[] {
  const { matches, isInterval } = parse(cron);
  const times: number[] = [];
  // From a day before, to know what the clock has shown.
  const start = from - 86_400_000;
  let shown = -Infinity;
  for (const [index, wall] of wallsOf(timezone, start, until).entries()) {
    // A time of day that the clock shows again has been.
    let isTime = matches(wall) && (isInterval || wall > shown);
    // Times of day that it leaves out come with the change.
    if (!isInterval && index > 0) for (let left = shown + 1; left < wall; left++) isTime ||= matches(left);
    const time = start + index * MINUTE;
    if (isTime && time >= from) times.push(time);
    shown = Math.max(shown, wall);
  }
  return times;
}

/** The minutes of a year at which the clocks of a zone are changed. */
export function changesOf(timezone: string, { from, until }: { from: number; until: number }): number[] {
  const all = wallsOf(timezone, from - 86_400_000, until);
  return [...all.keys()]
    .filter((index) => index > 0 && all[index] !== (all[index - 1] ?? NaN) + 1)
    .map((index) => from - 86_400_000 + index * MINUTE);
}
