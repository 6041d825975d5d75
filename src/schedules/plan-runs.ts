import type { Missed } from '../domain/schedule.ts';
import { nextTime, type Rule } from './cron.ts';

/** Milliseconds after which a time has been missed. */
const LATE_MS = 300_000;
/** Times that are counted, at most. */
const MAX_SKIPPED = 1_000;

/** Milliseconds before the present in which the newest time of a rule is looked for, one after the other. */
const WINDOWS = [3_600_000, 86_400_000, 32 * 86_400_000, 367 * 86_400_000, 10 * 366 * 86_400_000];

interface Plan {
  /** the time that is run now */
  run: Date | undefined;
  /** times before it that are not run: the first, and how many, counted to 1,000 */
  skipped: { first: Date; count: number } | undefined;
  /** undefined: there is none to come */
  next: Date | undefined;
}

/**
 * What is to be done about the times of a rule from `due` to `at`. The newest of them is run, unless it is late and those
 * are not to be run; the ones before it are not.
 */
export function planRuns(rule: Rule, { due, at, missed }: { due: Date; at: Date; missed: Missed }): Plan {
  const times = [due];
  let next = nextTime(rule, due);
  for (; next && next <= at && times.length < MAX_SKIPPED; next = nextTime(rule, next)) times.push(next);
  let newest = times.at(-1) ?? due;
  const isCounted = !next || next > at;
  if (!isCounted) {
    newest = newestTime(rule, newest, at);
    next = nextTime(rule, at);
  }
  const isRun = missed === 'run' || at.getTime() - newest.getTime() <= LATE_MS;
  const count = isCounted ? times.length - (isRun ? 1 : 0) : MAX_SKIPPED;
  return { run: isRun ? newest : undefined, skipped: count > 0 ? { first: due, count } : undefined, next };
}

/** The newest time of a rule until `at`. @param known one before */
function newestTime(rule: Rule, known: Date, at: Date): Date {
  for (const window of WINDOWS) {
    const from = new Date(Math.max(known.getTime(), at.getTime() - window));
    let newest: Date | undefined;
    for (let time = nextTime(rule, from); time && time <= at; time = nextTime(rule, time)) newest = time;
    if (newest) return newest;
  }
  return known;
}
