import { expect, test } from 'vitest';
import { selectPages } from '../../src/domain/page-selection.ts';

test.each([
  ['', 3, [1, 2, 3]],
  ['2-', 3, [2, 3]],
  ['-2', 3, [1, 2]],
  ['3-1, 5', 5, [3, 2, 1, 5]],
  ['first, last, odd', 4, [1, 4, 3]],
  ['2-last', 3, [2, 3]],
  // what the document does not have
  ['2-', 1, []],
  ['4-last', 3, []],
  ['5', 3, []],
  ['5-2', 3, [3, 2]],
])('%j of %d pages', (text, total, pages) => {
  expect(selectPages(text, total)).toEqual(pages);
});
