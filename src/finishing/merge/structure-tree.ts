import { PdfArray, PdfDict, PdfNumber, type PdfObject, PdfRef } from '../libpdf.ts';
import type { Source } from './source.ts';
import { numberTreeEntries } from './trees.ts';

/** A tag. */
export interface Element {
  /** undefined if its parent contains it */
  ref: PdfRef | undefined;
  dict: PdfDict;
  kids: Kid[];
  /** indexes of the first and the last page with content of it */
  first: number;
  last: number;
  /** whether it has no content at all */
  isEmpty: boolean;
}

/** What an element marks: a piece of a page, or an annotation. */
interface Content {
  object: PdfObject;
  /** index in the source, if it says so */
  page: number | undefined;
  /** the annotation */
  marked: PdfRef | undefined;
}

export type Kid = Element | Content;

export interface StructureTree {
  root: PdfDict;
  rootRef: PdfRef | undefined;
  /** those at the top */
  kids: Kid[];
  /** numbers of the objects that are elements */
  objects: ReadonlySet<number>;
  /** what the number of a page or an annotation stands for */
  parents: ReadonlyMap<number, PdfObject>;
}

export const isElement = (kid: Kid): kid is Element => 'kids' in kid;

/** The tags of a PDF as a tree that they really are: each element once. undefined: it has none. */
export function structureTree(source: Source): StructureTree | undefined {
  const root = source.dict(source.catalog, 'StructTreeRoot');
  if (!root) return undefined;
  const elements: Element[] = [];
  const seen = new Set<PdfDict>([root]);
  const kidsOf = (dict: PdfDict): Kid[] => {
    const page = source.pageIndex(dict.get('Pg'));
    return kidObjects(source, dict).flatMap((object): Kid[] => {
      const found = source.look(object);
      if (found instanceof PdfNumber) return [{ object: found, page, marked: undefined }];
      if (!(found instanceof PdfDict) || seen.has(found)) return [];
      seen.add(found);
      if (isContent(source, found)) return [contentOf(source, object, found, page)];
      const ref = object instanceof PdfRef ? object : undefined;
      const element: Element = { ref, dict: found, kids: [], first: Infinity, last: -Infinity, isEmpty: true };
      elements.push(element);
      return [element];
    });
  };
  const kids = kidsOf(root);
  // the list grows meanwhile
  for (const element of elements) element.kids = kidsOf(element.dict);
  for (const element of elements.toReversed()) measure(element);
  const objects = new Set(elements.flatMap(({ ref }) => ref?.objectNumber ?? []));
  const rootRef = source.catalog.getRef('StructTreeRoot');
  return { root, rootRef, kids, objects, parents: new Map(numberTreeEntries(source, source.dict(root, 'ParentTree'))) };
}

function kidObjects(source: Source, dict: PdfDict): readonly PdfObject[] {
  const object = dict.get('K');
  const found = source.look(object);
  if (found instanceof PdfArray) return found.toArray();
  return object ? [object] : [];
}

const isContent = (source: Source, dict: PdfDict): boolean =>
  dict.has('MCID') || dict.has('Obj') || ['MCR', 'OBJR'].includes(source.name(dict, 'Type') ?? '');

function contentOf(source: Source, object: PdfObject, dict: PdfDict, elementPage: number | undefined): Content {
  const page = dict.has('Pg') ? source.pageIndex(dict.get('Pg')) : elementPage;
  return { object, page, marked: dict.getRef('Obj') };
}

function measure(element: Element): void {
  for (const kid of element.kids) {
    element.isEmpty &&= isElement(kid) && kid.isEmpty;
    element.first = Math.min(element.first, (isElement(kid) ? kid.first : kid.page) ?? Infinity);
    element.last = Math.max(element.last, (isElement(kid) ? kid.last : kid.page) ?? -Infinity);
  }
}
