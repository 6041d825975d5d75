import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { firstIdAt, idPrefix, isIdPrefix, lastIdAt } from '../../src/domain/id-prefix.ts';

const id = uuidv7();
const starts = Array.from({ length: id.length }, (_, index) => id.slice(0, index + 1));

it.each([...starts, ...starts.map((start) => start.toUpperCase())])('an id may begin with %s', (start) => {
  expect(isIdPrefix(start)).toBe(true);
  const { first = '', last = '' } = idPrefix(start) ?? {};
  if (start.length < 8) return expect([first, last]).toEqual(['', '']);
  for (const end of [first, last]) {
    expect(end).toHaveLength(id.length);
    expect(end.startsWith(start.toLowerCase())).toBe(true);
  }
  expect(first <= id && id <= last).toBe(true);
});

it.each(['', '-', 'g', ' 0197b1c2', '0197b1c27', '0197b1c-2', `${id}0`, `${id} `, id.replaceAll('-', '')])(
  'no id begins with %j',
  (start) => {
    expect([isIdPrefix(start), idPrefix(start)]).toEqual([false, undefined]);
  },
);

it.each([0, 1, Date.UTC(2026, 10, 27), Date.now(), 2 ** 47])('the ids of the millisecond %d are between two', (ms) => {
  const [first, last] = [firstIdAt(ms), lastIdAt(ms)];
  const made = uuidv7({ msecs: ms });
  expect(first <= made && made <= last).toBe(true);
  expect(lastIdAt(ms - 1) < made || ms === 0).toBe(true);
  expect(firstIdAt(ms + 1) > made).toBe(true);
});
