import { type PDF, PdfArray, PdfDict, PdfNumber, type PdfObject } from '../libpdf.ts';
import type { Sheet } from '../step.ts';

/** `[a b c d e f]`, as PDF has it: x' = ax + cy + e, y' = bx + dy + f. */
export type Matrix = readonly [number, number, number, number, number, number];

/** Left, bottom, right, top; user space. */
type Box = readonly [number, number, number, number];

/** How a page is shown. */
export interface PageGeometry {
  /** points */
  sheet: Sheet;
  /** what is shown of it, in its own user space */
  box: Box;
  /** from points of the sheet, from its lower left corner as it is shown, to the page's user space */
  fromSheet: Matrix;
}

/** Readers take this for a page without a size. */
const LETTER: Box = [0, 0, 612, 792];
/** Levels of the page tree; more are a loop. */
const MAX_LEVELS = 100;

/** The crop box within the media box, its units, turned as the page says. */
export function pageGeometry(pdf: PDF, page: PdfDict): PageGeometry {
  const media = boxOf(pdf, inherited(pdf, page, 'MediaBox')) ?? LETTER;
  const box = within(boxOf(pdf, inherited(pdf, page, 'CropBox')) ?? media, media) ?? media;
  const unit = positive(resolved(pdf, page.get('UserUnit'))) ?? 1;
  const [left, bottom, right, top] = box;
  const [width, height] = [(right - left) * unit, (top - bottom) * unit];
  const s = 1 / unit;
  switch (turnOf(resolved(pdf, inherited(pdf, page, 'Rotate')))) {
    case 90:
      return { box, sheet: { width: height, height: width }, fromSheet: [0, s, -s, 0, right, bottom] };
    case 180:
      return { box, sheet: { width, height }, fromSheet: [-s, 0, 0, -s, right, top] };
    case 270:
      return { box, sheet: { width: height, height: width }, fromSheet: [0, -s, s, 0, left, top] };
    default:
      return { box, sheet: { width, height }, fromSheet: [s, 0, 0, s, left, bottom] };
  }
}

/** An entry of a page, or of the nodes of the page tree above it. */
export function inherited(pdf: PDF, page: PdfDict, key: string): PdfObject | undefined {
  let node: PdfDict | undefined = page;
  for (let level = 0; node && level < MAX_LEVELS; level++) {
    const found = node.get(key);
    if (found !== undefined && resolved(pdf, found) !== undefined) return found;
    const parent = resolved(pdf, node.get('Parent'));
    node = parent instanceof PdfDict ? parent : undefined;
  }
  return undefined;
}

/** What a reference refers to; undefined for null. */
export function resolved(pdf: PDF, object: PdfObject | undefined): PdfObject | undefined {
  const found = object?.type === 'ref' ? (pdf.getObject(object) ?? undefined) : object;
  return found?.type === 'null' ? undefined : found;
}

/** The matrix that does first the one and then the other. */
export function after(first: Matrix, then: Matrix): Matrix {
  const [a, b, c, d, e, f] = first;
  const [A, B, C, D, E, F] = then;
  return [a * A + b * C, a * B + b * D, c * A + d * C, c * B + d * D, e * A + f * C + E, e * B + f * D + F];
}

/** The matrix that undoes it. */
export function inverse([a, b, c, d, e, f]: Matrix): Matrix {
  const determinant = a * d - b * c;
  const [p, q, r, s] = [d / determinant, -b / determinant, -c / determinant, a / determinant];
  return [p, q, r, s, -(e * p + f * r), -(e * q + f * s)];
}

function boxOf(pdf: PDF, object: PdfObject | undefined): Box | undefined {
  const array = resolved(pdf, object);
  if (!(array instanceof PdfArray)) return undefined;
  const sides = array.toArray().map((side) => resolved(pdf, side));
  const [a, b, c, d] = sides.map((side) => (side instanceof PdfNumber ? side.value : Number.NaN));
  if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined;
  const box = [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)] as const;
  return box[2] > box[0] && box[3] > box[1] ? box : undefined;
}

function within(box: Box, around: Box): Box | undefined {
  const [left, bottom] = [Math.max(box[0], around[0]), Math.max(box[1], around[1])];
  const [right, top] = [Math.min(box[2], around[2]), Math.min(box[3], around[3])];
  return right > left && top > bottom ? [left, bottom, right, top] : undefined;
}

function positive(object: PdfObject | undefined): number | undefined {
  return object instanceof PdfNumber && object.value > 0 ? object.value : undefined;
}

/** Quarter turns; anything else is none, as readers have it. */
function turnOf(object: PdfObject | undefined): number {
  return object instanceof PdfNumber ? ((object.value % 360) + 360) % 360 : 0;
}
