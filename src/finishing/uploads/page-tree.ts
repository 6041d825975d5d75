import { LIMITS } from './limits.ts';
import { type Dict, isReference, type PdfObjects, type PdfValue } from './pdf-objects.ts';
import { Refusal } from './refusal.ts';

/** What pages have from the nodes above them. */
const INHERITED = ['/MediaBox', '/CropBox', '/Rotate', '/Resources'];
const BOXES = ['/MediaBox', '/CropBox', '/BleedBox', '/TrimBox', '/ArtBox'];
const A4: PdfValue = [0, 0, 595.276, 841.89];

/**
 * Makes the tree of pages one list below one node: without loops, with the right count, each page once with all that it
 * had from above, and with boxes that are in the limits.
 * @returns number of pages
 * @throws Refusal
 */
export function flattenPageTree(objects: PdfObjects): number {
  const root = objects.catalog['/Pages'];
  if (!isReference(root) || !objects.dict(root)) throw new Refusal('it has no pages');
  const pages: string[] = [];
  const seen = new Set<string>();
  const visit = (reference: PdfValue | undefined, above: Dict, depth: number): void => {
    const node = objects.dict(reference);
    if (!node) return;
    if (depth > LIMITS.depth) throw new Refusal(`its tree of pages has more than ${LIMITS.depth} levels`);
    const own = inherited(objects, node, above);
    const kids = node['/Type'] === '/Page' ? undefined : objects.list(node['/Kids']);
    const isSeen = isReference(reference) && seen.has(reference);
    if (isReference(reference)) seen.add(reference);
    if (kids && isSeen) return; // a loop
    if (kids) return kids.forEach((kid) => visit(kid, own, depth + 1));
    if (depth === 0) return; // the root is no page
    if (pages.length >= LIMITS.pages) throw new Refusal(`it has more pages than ${LIMITS.pages}`);
    const page = withBoxes({ ...own, ...node, ...own, '/Type': '/Page', '/Parent': root }, pages.length + 1, objects);
    // A page that is there twice becomes two.
    const target = isReference(reference) && !isSeen ? reference : objects.add(page);
    objects.set(target, page);
    pages.push(target);
  };
  visit(root, {}, 0);
  if (pages.length === 0) throw new Refusal('it has no pages');
  objects.set(root, { '/Type': '/Pages', '/Kids': pages, '/Count': pages.length });
  return pages.length;
}

function inherited(objects: PdfObjects, node: Dict, above: Dict): Dict {
  const found: Dict = { ...above };
  for (const key of INHERITED) {
    const value = node[key];
    if (value !== undefined && objects.get(value) !== undefined && objects.get(value) !== null) found[key] = value;
  }
  return found;
}

function withBoxes(page: Dict, number: number, objects: PdfObjects): Dict {
  const unit = objects.get(page['/UserUnit']) ?? 1;
  if (typeof unit !== 'number' || !(unit > 0)) throw new Refusal(`page ${number} has a UserUnit that is no positive number`); // prettier-ignore
  const result: Dict = { ...page, '/MediaBox': boxOf(objects, page['/MediaBox']) ?? A4 };
  for (const name of BOXES) {
    const box = boxOf(objects, result[name]);
    if (box) checkSides(box, unit, `page ${number}: its ${name.slice(1)}`);
    if (box) result[name] = box;
    else delete result[name];
  }
  const rotate = objects.get(page['/Rotate']);
  if (typeof rotate === 'number' && rotate % 90 === 0) result['/Rotate'] = ((rotate % 360) + 360) % 360;
  else delete result['/Rotate'];
  return result;
}

/** @returns undefined if it is no box; with the lower left corner first */
function boxOf(objects: PdfObjects, value: PdfValue | undefined): number[] | undefined {
  const sides = objects.list(value)?.map((side) => objects.get(side));
  if (sides?.length !== 4 || !sides.every((side) => typeof side === 'number')) return undefined;
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = sides;
  if (x1 === x2 || y1 === y2) return undefined;
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

function checkSides(box: number[], unit: number, what: string): void {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = box;
  const [width, height] = [x2 - x1, y2 - y1];
  const { sideUnits, sidePoints } = LIMITS;
  const isFar = box.some((side) => Math.abs(side) > 10 * sideUnits);
  const side = Math.max(width, height);
  if (isFar || side > sideUnits || side * unit > sidePoints || Math.min(width, height) * unit < 0.1)
    throw new Refusal(`${what} is ${width} × ${height} units of ${unit} points; allowed: 0.1 to ${sideUnits} units, at most ${sidePoints} points`); // prettier-ignore
}
