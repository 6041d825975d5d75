import type { PDF, PdfArray, PdfRef } from '../libpdf.ts';
import { PdfDict, PdfName, PdfNumber, type PdfObject, PdfString } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';
import type { Source } from './source.ts';

/** What is nested deeper is put at this level: nobody opens more, and it keeps recursion short. */
const MAX_LEVELS = 32;

/** A bookmark of the new PDF. */
export interface OutlineItem {
  title: PdfString;
  /** explicit */
  destination?: PdfArray | undefined;
  /** whatever else it has: action, color, style, element */
  more?: PdfDict | undefined;
  isOpen: boolean;
  children: OutlineItem[];
}

interface SourceItem {
  dict: PdfDict;
  children: SourceItem[];
}

/** Each item once, so that an outline that leads back to itself ends. */
function readOutline(source: Source): readonly SourceItem[] {
  const root: SourceItem[] = [];
  const seen = new Set<PdfDict>();
  const outlines = source.dict(source.catalog, 'Outlines');
  const todo = outlines ? [{ next: source.dict(outlines, 'First'), into: root, level: 1 }] : [];
  for (let at = todo.pop(); at; at = todo.pop()) {
    const { next: dict, into, level } = at;
    if (!dict || seen.has(dict)) continue;
    seen.add(dict);
    const item: SourceItem = { dict, children: [] };
    into.push(item);
    todo.push({ next: source.dict(dict, 'Next'), into, level });
    const below = level < MAX_LEVELS ? { into: item.children, level: level + 1 } : { into, level };
    todo.push({ next: source.dict(dict, 'First'), ...below });
  }
  return root;
}

const WRITTEN = ['Title', 'Parent', 'Prev', 'Next', 'First', 'Last', 'Count', 'Dest'];

/** The bookmarks of a part that still lead somewhere, in the order of its pages. */
export const outlineOf = (part: PartCopy): OutlineItem[] =>
  kept(part, part.source.once(readOutline)).map(({ item }) => item);

interface Kept {
  item: OutlineItem;
  /** of the page to which it leads */
  position: number;
}

function kept(part: PartCopy, items: readonly SourceItem[]): Kept[] {
  const found = items.flatMap((item) => keep(part, item));
  return part.isInOrder ? found : found.toSorted((a, b) => a.position - b.position);
}

function keep(part: PartCopy, { dict, children: below }: SourceItem): Kept[] {
  const { source, copier, destinations } = part;
  const children = kept(part, below);
  const action = source.dict(dict, 'A');
  const isGoTo = source.name(action, 'S') === 'GoTo';
  const target = isGoTo ? action?.get('D') : dict.get('Dest');
  const own = destinations.explicit(target);
  // a title that leads nowhere: alone it goes with its page, else it leads to what is below it
  const isGone = target === undefined ? !part.isWhole && !action : !own;
  if (isGone && children.length === 0 && !(part.isWhole && target === undefined)) return [];
  const destination = own ?? (isGone ? children[0]?.item.destination : undefined);
  const position = part.positionOf(destinations.pageOf(target)) ?? children[0]?.position ?? Infinity;
  const title = source.string(dict, 'Title') ?? PdfString.fromString('');
  const more = copier.copyDict(dict, isGoTo ? [...WRITTEN, 'A'] : WRITTEN);
  const isOpen = (source.number(dict, 'Count') ?? 0) >= 0;
  return [{ item: { title, destination, more, isOpen, children: children.map(({ item }) => item) }, position }];
}

/** @returns undefined if there are none */
export function writeOutline(target: PDF, items: readonly OutlineItem[]): PdfRef | undefined {
  if (items.length === 0) return undefined;
  const root = PdfDict.of({ Type: PdfName.of('Outlines') });
  const ref = target.context.register(root);
  root.set('Count', PdfNumber.of(writeItems(target, items, root, ref)));
  return ref;
}

/** @returns how many of them are seen while their parent is open */
function writeItems(target: PDF, items: readonly OutlineItem[], parent: PdfDict, parentRef: PdfRef): number {
  const dicts = items.map(({ more }) => more ?? new PdfDict());
  const refs = dicts.map((dict) => target.context.register(dict));
  const link = (dict: PdfDict, key: string, ref: PdfObject | undefined) => ref && dict.set(key, ref);
  let seen = items.length;
  for (const [index, item] of items.entries()) {
    const [dict, ref] = [dicts[index], refs[index]];
    if (!dict || !ref) continue;
    dict.set('Title', item.title);
    dict.set('Parent', parentRef);
    link(dict, 'Prev', refs[index - 1]);
    link(dict, 'Next', refs[index + 1]);
    link(dict, 'Dest', item.destination);
    if (item.children.length === 0) continue;
    const below = writeItems(target, item.children, dict, ref);
    dict.set('Count', PdfNumber.of(item.isOpen ? below : -below));
    if (item.isOpen) seen += below;
  }
  link(parent, 'First', refs[0]);
  link(parent, 'Last', refs.at(-1));
  return seen;
}
