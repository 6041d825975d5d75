import { describe, expect, it } from 'vitest';
import { nextTime } from '../../src/schedules/cron.ts';
import { changesOf, timesOf, ZONES } from '../support/cron-oracle.ts';

const YEAR = { from: Date.UTC(2027, 0, 1), until: Date.UTC(2028, 0, 1) };

/** So many times that only the days around the changes of the clocks are looked at. */
const DENSE = ['* * * * *', '*/7 * * * *', '*/30 1-3 * * *', '5-50/15 */3 * * *', '0 * * * *', '@hourly', '15 * * * *'];
/** Every kind of field, and times that fall into each change of the clocks. */
const CRONS = [
  '30 2 * * *',
  '0 0 * * *',
  '30 23 * * *',
  '15,45 2 * * *',
  '0,30 1-3 * * 0',
  '59 1 * * *',
  '0 3 * * *',
  '45 2,14 * * *',
  '0 8 1 * *',
  '0 8 L * *',
  '15 2 29 2 *',
  '30 2 28,29,30,31 3 *',
  '0 12 13 * FRI',
  '0 9 * * MON-FRI',
  '0 9 * * MON#2',
  '10 2 * APR,SEP,OCT,NOV SUN',
  '@monthly',
  '@weekly',
];

const DAY = 86_400_000;

const without = (times: number[], others: Set<number>) => times.filter((time) => !others.has(time));

function compare(cron: string, timezone: string, span: { from: number; until: number }): void {
  const found: number[] = [];
  const rule = { cron, timezone };
  for (let time = nextTime(rule, new Date(span.from - 1)); time && time.getTime() < span.until; time = nextTime(rule, time))
    found.push(time.getTime());
  const expected = timesOf(cron, timezone, span);
  const wrong = without(found, new Set(expected)).concat(without(expected, new Set(found)));
  expect([cron, wrong.length, wrong.slice(0, 5).map((time) => new Date(time).toISOString())]).toEqual([cron, 0, []]);
} // prettier-ignore

describe('nextTime', () => {
  for (const timezone of ZONES)
    it(`walks a year in ${timezone} as its clocks do`, () => {
      for (const cron of CRONS) compare(cron, timezone, YEAR);
      const changes = changesOf(timezone, YEAR);
      expect(changes).toHaveLength(timezone === 'Asia/Kolkata' ? 0 : 2);
      for (const change of [...changes, YEAR.from + DAY])
        for (const cron of DENSE) compare(cron, timezone, { from: change - DAY, until: change + DAY });
    });
});
