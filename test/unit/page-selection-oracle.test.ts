import { describe, expect, it } from 'vitest';
import { pageSelectionProblem, selectPages } from '../../src/domain/page-selection.ts';

/** What is meant by an item, page by page: the plainest way to say it. */
function meant(item: string, total: number): number[] {
  const all: number[] = [];
  for (let page = 1; page <= total; page++) all.push(page);
  if (item === 'odd') return all.filter((page) => page % 2 === 1);
  if (item === 'even') return all.filter((page) => page % 2 === 0);
  if (item === 'first') return all.filter((page) => page === 1);
  if (item === 'last') return all.filter((page) => page === total);
  const [from, until] = item.includes('-') ? item.split('-') : [item, item];
  if (from === '') return all.filter((page) => page <= Number(until));
  if (until === '' || until === 'last') return all.filter((page) => page >= Number(from));
  const [low, high] = [Number(from), Number(until)];
  const between = all.filter((page) => page >= Math.min(low, high) && page <= Math.max(low, high));
  return low > high ? between.toReversed() : between;
}

/** Numbers that look random and are the same in each run. */
let state = 20_260_101;
function below(limit: number): number {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((state / 2_147_483_648) * limit);
}
const anyOf = <T>(values: readonly T[]) => values[below(values.length)] as T;
const anyPage = () => 1 + below(anyOf([14, 14, 9_999_999]));

function anyItem(): string {
  const [from, until] = [anyPage(), anyPage()];
  return anyOf([
    `${from}`,
    `${from}-${until}`,
    `${from}-`,
    `${from}-last`,
    `-${until}`,
    'first',
    'last',
    'odd',
    'even',
  ]);
}

describe('a selection of pages', () => {
  it('is what each item means, in its order, each page once', () => {
    for (let run = 0; run < 5_000; run++) {
      const items = Array.from({ length: 1 + below(6) }, anyItem);
      const spaced = items.map(
        (item) => `${anyOf(['', ' '])}${item.replace('-', anyOf(['-', ' -', '- ']))}${anyOf(['', '  '])}`,
      );
      const [text, total] = [spaced.join(','), 1 + below(12)];
      expect(pageSelectionProblem(text)).toBeUndefined();
      const expected = [...new Set(items.flatMap((item) => meant(item, total)))];
      expect({ text, total, pages: selectPages(text, total) }).toEqual({ text, total, pages: expected });
    }
  });

  it.each([
    ['', 3, [1, 2, 3]],
    ['2-', 1, []],
    ['9', 3, []],
    ['3,1', 3, [3, 1]],
    ['3-1', 3, [3, 2, 1]],
    ['9-2', 3, [3, 2]],
    ['5-last', 3, []],
    ['last,first,odd', 4, [4, 1, 3]],
  ])('%j of %i pages is %j', (text, total, pages) => {
    expect(selectPages(text, total)).toEqual(pages);
  });

  it('takes no longer for pages that no document has', () => {
    expect(selectPages('1-9999999,9999999-1', 5)).toEqual([1, 2, 3, 4, 5]);
    // Each of a request's layers may have as many; a worker that counted them would be busy with nothing else for long.
    const longest = Array.from({ length: 111 }, () => '-9999999').join();
    for (let layer = 0; layer < 40; layer++) expect(selectPages(longest, 2)).toEqual([1, 2]);
  });

  it.each([
    ['0', /^0: pages are counted from 1$/],
    ['1,00-2', /^00-2: pages are counted from 1$/],
    ['1-2-3', /^allowed: pages and ranges/],
    ['1,,2', /^allowed: pages and ranges/],
    ['-', /^allowed: pages and ranges/],
    ['1.5', /^allowed: pages and ranges/],
    ['all', /^allowed: pages and ranges/],
    ['Odd', /^allowed: pages and ranges/],
    ['12345678', /^allowed: pages and ranges/],
    ['last-1', /^allowed: pages and ranges/],
  ])('is not %j', (text, problem) => {
    expect(pageSelectionProblem(text)).toMatch(problem);
  });
});
