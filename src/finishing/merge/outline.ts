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

/** A bookmark as it is in a PDF. */
export interface SourceItem {
  dict: PdfDict;
  children: SourceItem[];
}

/** Each item once, so that an outline that leads back to itself ends. */
export function readOutline(source: Source): readonly SourceItem[] {
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

/** Writes bookmarks as they come. The last one may still get others below it. */
export class OutlineWriter {
  readonly #target: PDF;
  readonly #root = PdfDict.of({ Type: PdfName.of('Outlines') });
  readonly #rootRef: PdfRef;
  #last: { item: OutlineItem; ref: PdfRef; previous: PdfRef | undefined } | undefined;
  #seen = 0;

  constructor(target: PDF) {
    this.#target = target;
    this.#rootRef = target.context.registry.allocateRef();
  }

  add(items: readonly OutlineItem[]): void {
    for (const item of items) {
      const ref = this.#target.context.registry.allocateRef();
      const previous = this.#last?.ref;
      this.#writeLast(ref);
      if (!previous) this.#root.set('First', ref);
      this.#last = { item, ref, previous };
    }
  }

  /** Adds to those below the last one. */
  addBelow(items: readonly OutlineItem[]): void {
    this.#last?.item.children.push(...items);
  }

  /** @returns undefined if there are none */
  finish(): PdfRef | undefined {
    if (!this.#last) return undefined;
    this.#root.set('Last', this.#last.ref);
    this.#writeLast(undefined);
    this.#root.set('Count', PdfNumber.of(this.#seen));
    this.#target.context.registry.registerAt(this.#rootRef, this.#root);
    return this.#rootRef;
  }

  #writeLast(next: PdfRef | undefined): void {
    if (!this.#last) return;
    const { item, ref, previous } = this.#last;
    this.#seen += writeItem(this.#target, item, { ref, previous, next, parent: this.#rootRef });
  }
}

interface Place {
  ref: PdfRef;
  parent: PdfRef;
  previous: PdfRef | undefined;
  next: PdfRef | undefined;
}

/** @returns how many are seen of it and below it while its parent is open */
function writeItem(target: PDF, item: OutlineItem, { ref, parent, previous, next }: Place): number {
  const dict = item.more ?? new PdfDict();
  const refs = item.children.map(() => target.context.registry.allocateRef());
  const link = (key: string, value: PdfObject | undefined) => value && dict.set(key, value);
  dict.set('Title', item.title);
  dict.set('Parent', parent);
  link('Prev', previous);
  link('Next', next);
  link('Dest', item.destination);
  link('First', refs[0]);
  link('Last', refs.at(-1));
  target.context.registry.registerAt(ref, dict);
  let below = 0;
  for (const [index, child] of item.children.entries()) {
    const own = refs[index];
    if (own) below += writeItem(target, child, { ref: own, parent: ref, previous: refs[index - 1], next: refs[index + 1] }); // prettier-ignore
  }
  if (below > 0) dict.set('Count', PdfNumber.of(item.isOpen ? below : -below));
  return item.isOpen ? 1 + below : 1;
}
