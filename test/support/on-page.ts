import type { PrintedPage, Run } from './printed-pages.ts';

export const textsOf = (page?: PrintedPage): string[] => page?.runs.map(({ text }) => text) ?? [];

/** The texts whose baseline is less than so many millimetres from the top. */
export const above = (page: PrintedPage | undefined, y: number): string[] | undefined =>
  page?.runs.filter((each) => each.y < y).map(({ text }) => text);

/** The texts whose baseline is more than so many millimetres from the top. */
export const below = (page: PrintedPage | undefined, y: number): string[] | undefined =>
  page?.runs.filter((each) => each.y > y).map(({ text }) => text);

/** The text that is this, or the only one that begins so. @throws Error that lists the texts of the page */
export function run(page: PrintedPage | undefined, text: string): Run {
  const runs = page?.runs ?? [];
  const begin = runs.filter((each) => each.text.startsWith(text));
  const found = runs.find((each) => each.text === text) ?? begin[0];
  if (!found || (found.text !== text && begin.length > 1))
    throw new Error(`${begin.length} "${text}" in ${textsOf(page).join(' | ')}`);
  return found;
}
