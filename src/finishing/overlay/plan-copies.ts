import type { Sheet } from '../step.ts';

/** One page of a printed layer. */
interface Copy {
  /** of the sizes, from 0 */
  sheet: number;
  /** of the document, from 1, if it is shown */
  pageNumber?: number;
  /** pages of the document in all */
  total: number;
}

/** What is printed of a layer. */
export interface CopyPlan {
  /** sizes that differ, in points */
  sheets: Sheet[];
  /** each becomes a page, in this order */
  copies: Copy[];
  /** for each page of all documents which copy it gets, from 0; null: none */
  pageOf: (number | null)[];
}

/** Points below which the browser prints no page; such a sheet gets a larger one, made smaller. */
const MIN_SIDE = 16;

/** What a layer shows of the page that it is on. */
interface Shown {
  /** whether it shows the number of the page */
  numbers: boolean;
  /** whether it shows how many pages there are */
  totals: boolean;
}

/**
 * A copy for each size of page, or one for each page if it shows the number.
 * @param documents the sheets of the pages of each
 * @param pagesOf the pages of a document that get the layer, from 1, by how many it has
 */
export function planCopies(
  documents: readonly (readonly Sheet[])[],
  pagesOf: (total: number) => readonly number[],
  shows: Shown,
): CopyPlan {
  const plan: CopyPlan = { sheets: [], copies: [], pageOf: [] };
  const sheetOf = new Map<string, number>();
  const copyOf = new Map<string, number>();
  for (const sheets of documents) {
    const before = plan.pageOf.length;
    const total = sheets.length;
    plan.pageOf.push(...sheets.map(() => null));
    // In the order of the document: the browser prints them in one go.
    for (const pageNumber of pagesOf(total).toSorted((a, b) => a - b)) {
      const { width, height } = sheets[pageNumber - 1] as Sheet;
      const key = `${width.toFixed(2)} ${height.toFixed(2)}`;
      const sheet = sheetOf.get(key) ?? plan.sheets.push({ width: Math.max(MIN_SIDE, width), height: Math.max(MIN_SIDE, height) }) - 1; // prettier-ignore
      sheetOf.set(key, sheet);
      const alike = shows.totals ? `${sheet} ${total}` : `${sheet}`;
      const known = shows.numbers ? undefined : copyOf.get(alike);
      const copy = known ?? plan.copies.push({ sheet, total, ...(shows.numbers && { pageNumber }) }) - 1;
      copyOf.set(alike, copy);
      plan.pageOf[before + pageNumber - 1] = copy;
    }
  }
  return plan;
}
