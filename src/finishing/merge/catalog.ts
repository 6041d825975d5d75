import { type PDF, PdfBool, PdfDict, PdfName, type PdfObject, PdfString } from '../libpdf.ts';
import { namedPlaces } from './destinations.ts';
import type { PartCopy } from './part-copy.ts';
import type { SharedObjects } from './shared-objects.ts';
import { writeNameTree } from './trees.ts';

/** What the first part says for all. */
const OF_FIRST = ['ViewerPreferences', 'PageLayout', 'Lang'] as const;
/** What only a document by itself can say of itself. */
const OF_ONE = ['Metadata', 'OutputIntents', 'URI', 'PieceInfo'] as const;
const INFO = ['Title', 'Author', 'Subject', 'Keywords', 'Creator', 'Producer', 'CreationDate', 'ModDate', 'Trapped'];

/** Entries of the catalog that are no trees of their own. */
export function joinCatalogs(catalog: PdfDict, parts: readonly PartCopy[], shared: SharedObjects | undefined): void {
  const copyFrom = ({ source, copier }: PartCopy, key: string) => {
    const value = source.catalog.get(key);
    const copied = value && copier.copy(value);
    if (copied) catalog.set(key, copied);
  };
  for (const key of OF_FIRST) {
    const part = parts.find(({ source }) => source.catalog.has(key));
    if (part) copyFrom(part, key);
  }
  const [first] = parts;
  if (!first) return;
  if (parts.length === 1) for (const key of OF_ONE) copyFrom(first, key);
  else if (shared && haveSameProfiles(parts, shared)) copyFrom(first, 'OutputIntents');
  const isTagged = ({ source }: PartCopy) => {
    const marked = source.get(source.dict(source.catalog, 'MarkInfo') ?? new PdfDict(), 'Marked');
    return marked instanceof PdfBool && marked.value;
  };
  if (parts.some(isTagged)) catalog.set('MarkInfo', PdfDict.of({ Marked: PdfBool.TRUE }));
}

/** Colors mean the same in all parts. */
function haveSameProfiles(parts: readonly PartCopy[], shared: SharedObjects): boolean {
  const hashes = parts.map(({ source }) =>
    source.items(source.catalog, 'OutputIntents').map((intent) => {
      const profile = source.look(intent);
      const ref = profile instanceof PdfDict ? profile.getRef('DestOutputProfile') : undefined;
      return ref && shared.hashOf(source, ref);
    }),
  );
  return hashes.every((list) => list.length === 1 && list[0] !== undefined && list[0] === hashes[0]?.[0]);
}

/** Names by which others may link into a PDF. Those of several parts collide, so only a part alone keeps them. */
export function namedDestinations(target: PDF, parts: readonly PartCopy[]): PdfDict | undefined {
  const [part] = parts;
  if (!part || parts.length > 1) return undefined;
  const entries = [...part.source.once(namedPlaces).keys()].flatMap((name): [PdfString, PdfObject][] => {
    const key = new PdfString(Buffer.from(name, 'latin1'));
    const array = part.destinations.explicit(key);
    return array ? [[key, array]] : [];
  });
  return entries.length > 0 ? writeNameTree(target, entries) : undefined;
}

/** The Info of the new PDF: what all parts agree on, and the newest dates. */
export function joinInfo(parts: readonly PartCopy[]): PdfDict {
  const info = new PdfDict();
  for (const key of INFO) {
    const values = parts.map(({ source }) => source.info && source.get(source.info, key));
    const texts = values.map((value) => (value instanceof PdfString || value instanceof PdfName ? value : undefined));
    const [first] = texts;
    const isDate = key.endsWith('Date');
    const newest = texts.reduce((a, b) => (textOf(b) > textOf(a) ? b : a), first);
    if (newest && (isDate || texts.every((text) => textOf(text) === textOf(first)))) info.set(key, newest);
  }
  const [only] = parts;
  if (only && parts.length === 1)
    for (const [{ value: key }, value] of only.source.info ?? []) {
      const found = only.source.look(value);
      if (!info.has(key) && (found instanceof PdfString || found instanceof PdfName)) info.set(key, found);
    }
  return info;
}

const textOf = (value: PdfString | PdfName | undefined): string => (value instanceof PdfString ? value.asString() : (value?.value ?? '')); // prettier-ignore

/** Adds to a page what it has of nodes above it, which stay behind. */
export function addInherited(part: PartCopy, index: number, page: PdfDict): void {
  for (const key of ['Resources', 'MediaBox', 'CropBox', 'Rotate'] as const) {
    if (part.source.page(index).has(key)) continue;
    const value = part.source.inherited(index, key);
    const copied = value && part.copier.copy(value);
    if (copied) page.set(key, copied);
  }
}
