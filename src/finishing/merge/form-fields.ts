import { PdfDict, type PdfObject, PdfRef } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';
import type { Source } from './source.ts';

/** A field of a form, or one of the places where it is shown. */
export interface Field {
  ref: PdfRef;
  dict: PdfDict;
  parent: Field | undefined;
  kids: Field[];
  /** whether the form names it, or the field above it */
  isListed: boolean;
  isKept: boolean;
}

/** The fields of a part as a tree that they really are: each once. Those without a place on the pages are not kept. */
export function keptFields(part: PartCopy, form: PdfDict | undefined): { roots: Field[]; all: Field[] } {
  const { source } = part;
  const all: Field[] = [];
  const seen = new Set<number>();
  const add = (object: PdfObject, parent: Field | undefined, isListed: boolean): Field[] => {
    const dict = source.look(object);
    if (!(object instanceof PdfRef) || !(dict instanceof PdfDict) || seen.has(object.objectNumber)) return [];
    seen.add(object.objectNumber);
    const field: Field = { ref: object, dict, parent, kids: [], isListed, isKept: false };
    all.push(field);
    return [field];
  };
  const grow = (from: number) => {
    // the list grows meanwhile
    for (let field = all[from]; field; field = all[++from]) {
      const above = field;
      field.kids = source.items(field.dict, 'Kids').flatMap((kid) => add(kid, above, above.isListed));
    }
  };
  const roots = source.items(form, 'Fields').flatMap((item) => add(item, undefined, true));
  grow(0);
  for (const top of unlisted(part, seen)) {
    const from = all.length;
    roots.push(...add(top, undefined, false));
    grow(from);
  }
  const shown = new Set<number>(widgetsOf(part).map(({ objectNumber }) => objectNumber));
  for (const field of all.toReversed())
    field.isKept = shown.has(field.ref.objectNumber) || field.kids.some(({ isKept }) => isKept) || isInvisible(part, field); // prettier-ignore
  return { roots, all };
}

/** Fields without any place are the document's. */
const isInvisible = ({ isWhole }: PartCopy, { kids, dict }: Field): boolean => isWhole && kids.length === 0 && !dict.has('Rect'); // prettier-ignore

/** The places of fields on the pages that are kept. */
function widgetsOf(part: PartCopy): PdfRef[] {
  const annotations = part.selected.flatMap((page) => part.annotationsOf(page));
  return annotations.flatMap((item) => (item instanceof PdfRef && isWidget(part.source, item) ? [item] : []));
}

const isWidget = (source: Source, ref: PdfRef): boolean => {
  const dict = source.look(ref);
  return dict instanceof PdfDict && source.name(dict, 'Subtype') === 'Widget';
};

/** The tops of fields that pages show and the form does not name. */
function unlisted(part: PartCopy, listed: ReadonlySet<number>): PdfRef[] {
  const tops: PdfRef[] = [];
  const seen = new Set<number>();
  for (const widget of widgetsOf(part)) {
    let top = widget;
    for (;;) {
      if (listed.has(top.objectNumber) || seen.has(top.objectNumber)) break;
      seen.add(top.objectNumber);
      const dict = part.source.look(top);
      const above = dict instanceof PdfDict ? dict.getRef('Parent') : undefined;
      if (!above || seen.has(above.objectNumber) || listed.has(above.objectNumber)) {
        if (!above || !listed.has(above.objectNumber)) tops.push(top);
        break;
      }
      top = above;
    }
  }
  return tops;
}
