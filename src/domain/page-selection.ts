/** `7`, `2-5`, `5-2`, `2-`, `-3`, `first`, `last`, `odd`, `even` */
const ITEM = /^(?:\d{1,7}|\d{1,7}-(?:\d{1,7}|last)?|-\d{1,7}|first|last|odd|even)$/;

const ALLOWED = 'allowed: pages and ranges such as "1-3, 8, 11-", first, last, odd, even';

/** @returns undefined for a selection of pages that {@link selectPages} understands */
export function pageSelectionProblem(text: string): string | undefined {
  const items = itemsOf(text);
  for (const item of items) {
    if (!ITEM.test(item)) return ALLOWED;
    if (item.split('-').some((page) => /^0+$/.test(page))) return `${item}: pages are counted from 1`;
  }
  return undefined;
}

/**
 * The pages of a selection, from 1, in its order; each once.
 * @param text for which {@link pageSelectionProblem} returns undefined; empty: all pages
 * @param total pages of the document
 * @returns those that there are: `2-` of a document with one page is none
 */
export function selectPages(text: string, total: number): number[] {
  const items = itemsOf(text);
  if (items.length === 1 && items[0] === '') return range(1, total);
  return [...new Set(items.flatMap((item) => pagesOf(item, total)))];
}

/** Whether a selection may fit no page without a mistake: `2-` and `even` are pages that a short document has not. */
export function pageSelectionIsOpen(text: string): boolean {
  return itemsOf(text).some((item) => item === 'odd' || item === 'even' || /-(?:last)?$/.test(item));
}

const itemsOf = (text: string) => text.split(',').map(withoutSpaces);

const withoutSpaces = (item: string) =>
  item
    .split('-')
    .map((page) => page.trim())
    .join('-');

function pagesOf(item: string, total: number): number[] {
  if (item === 'odd' || item === 'even') return range(1, total).filter((page) => page % 2 === (item === 'odd' ? 1 : 0));
  const [from = '', until = from] = item.split('-');
  const first = numberOf(from, 1, total);
  const last = numberOf(until, total, total);
  if (first > total && (last > total || until === '' || until === 'last')) return []; // not backwards from there
  // Pages that the document has not are left out before they are counted: a list may name millions.
  return range(Math.min(first, total), Math.min(last, total));
}

function numberOf(text: string, open: number, total: number): number {
  if (text === '') return open;
  if (text === 'first') return 1;
  return text === 'last' ? total : Number(text);
}

/** From the one to the other, downwards too. */
function range(from: number, until: number): number[] {
  const [low, high] = [Math.min(from, until), Math.max(from, until)];
  const pages = Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);
  return from <= until ? pages : pages.toReversed();
}
