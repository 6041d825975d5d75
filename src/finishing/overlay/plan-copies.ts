import type { Sheet } from '../step.ts';

/** One page of a printed layer. */
interface Copy {
  /** of the sizes, from 0 */
  sheet: number;
  /** of the document, from 1, if it is shown */
  pageNumber?: number;
}

/** What is printed of a layer. */
export interface CopyPlan {
  /** sizes that differ, in points */
  sheets: Sheet[];
  /** each becomes a page, in this order */
  copies: Copy[];
  /** pages of the document in all */
  total: number;
  /** for each page of the document which copy it gets, from 0; null: none */
  pageOf: (number | null)[];
}

/** Points below which the browser prints no page; such a sheet gets a larger one, made smaller. */
const MIN_SIDE = 16;

/**
 * A copy for each size of page, or one for each page if it shows the number.
 * @param sheets of all pages of the document
 * @param selected pages that get the layer, from 1
 */
export function planCopies(
  sheets: readonly Sheet[],
  selected: readonly number[],
  { hasNumbers }: { hasNumbers: boolean },
): CopyPlan {
  const plan: CopyPlan = { sheets: [], copies: [], total: sheets.length, pageOf: sheets.map(() => null) };
  const sheetOf = new Map<string, number>();
  const copyOf = new Map<number, number>();
  // In the order of the document: the browser prints them in one go.
  for (const pageNumber of selected.toSorted((a, b) => a - b)) {
    const { width, height } = sheets[pageNumber - 1] as Sheet;
    const key = `${width.toFixed(2)} ${height.toFixed(2)}`;
    const sheet = sheetOf.get(key) ?? plan.sheets.push({ width: Math.max(MIN_SIDE, width), height: Math.max(MIN_SIDE, height) }) - 1; // prettier-ignore
    sheetOf.set(key, sheet);
    const known = hasNumbers ? undefined : copyOf.get(sheet);
    const copy = known ?? plan.copies.push({ sheet, ...(hasNumbers && { pageNumber }) }) - 1;
    copyOf.set(sheet, copy);
    plan.pageOf[pageNumber - 1] = copy;
  }
  return plan;
}
