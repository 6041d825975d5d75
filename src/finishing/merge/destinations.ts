import type { PdfRef } from '../libpdf.ts';
import { PdfArray, PdfDict, PdfName, PdfNull, PdfNumber, type PdfObject, PdfString } from '../libpdf.ts';
import { finishedArray } from './copier.ts';
import type { PartPages } from './part-pages.ts';
import type { Source } from './source.ts';
import { keyOf, nameTreeEntries } from './trees.ts';

/** Coordinates after the name of the view: `/FitR` has the most. */
const MAX_VIEW = 5;

interface Place {
  /** index in its source */
  page: number;
  /** such as `/XYZ 0 792 null` */
  view: PdfObject[];
}

/** Where links and bookmarks of a part lead after it is copied: always explicit, since names of several parts collide. */
export class Destinations {
  readonly #part: PartPages;
  readonly #parts: readonly PartPages[];

  /** @param parts all, for names that the part itself has not */
  constructor(part: PartPages, parts: readonly PartPages[]) {
    this.#part = part;
    this.#parts = parts;
  }

  /** For a dictionary of the source or of the new PDF. @returns undefined if it leads to no page that is kept */
  explicit(value: PdfObject | undefined): PdfArray | undefined {
    const { source } = this.#part;
    const found = source.look(value);
    if (!(found instanceof PdfName || found instanceof PdfString)) return finish(this.#part, placeIn(source, found));
    const key = found instanceof PdfName ? found.value : keyOf(found);
    const own = source.once(namedPlaces).get(key);
    if (own) return finish(this.#part, own);
    for (const part of this.#parts) {
      const array = finish(part, part.source.once(namedPlaces).get(key));
      if (array) return array;
    }
    return undefined;
  }

  /** Its page, as an index in the source. */
  pageOf(value: PdfObject | undefined): number | undefined {
    return destinationPage(this.#part.source, value);
  }

  /** What a dictionary becomes; undefined: an action that leads nowhere. */
  rewrite(dict: PdfDict): PdfDict | undefined {
    const { source } = this.#part;
    if (source.name(dict, 'S') === 'GoTo' && dict.has('D')) {
      const explicit = this.explicit(dict.get('D'));
      if (!explicit) return undefined;
      const action = dict.clone();
      action.set('D', explicit);
      action.delete('SD');
      return action;
    }
    if (!dict.has('Dest') || source.name(dict, 'Subtype') !== 'Link') return dict;
    const link = dict.clone();
    const explicit = this.explicit(dict.get('Dest'));
    if (explicit) link.set('Dest', explicit);
    else link.delete('Dest');
    return link;
  }

  isDeadLink(annotation: PdfObject): boolean {
    const { source } = this.#part;
    const dict = source.look(annotation);
    if (!(dict instanceof PdfDict) || source.name(dict, 'Subtype') !== 'Link') return false;
    const action = source.dict(dict, 'A');
    if (!action) return dict.has('Dest') && !this.explicit(dict.get('Dest'));
    return source.name(action, 'S') === 'GoTo' && !this.explicit(action.get('D'));
  }
}

/** The page to which a destination leads, explicit or by its name, as an index. */
export function destinationPage(source: Source, value: PdfObject | undefined): number | undefined {
  const found = source.look(value);
  if (!(found instanceof PdfName || found instanceof PdfString)) return placeIn(source, found)?.page;
  return source.once(namedPlaces).get(found instanceof PdfName ? found.value : keyOf(found))?.page;
}

function finish(part: PartPages, place: Place | undefined): PdfArray | undefined {
  const page = place && part.targetPage(place.page);
  return page && finishedArray([page, ...place.view]);
}

function placeIn(source: Source, value: PdfObject | undefined): Place | undefined {
  const array = value instanceof PdfDict ? source.get(value, 'D') : value;
  if (!(array instanceof PdfArray)) return undefined;
  const target = array.at(0);
  const page = source.pageIndex(target) ?? (target instanceof PdfNumber ? target.value : undefined);
  if (page === undefined || !source.pages[page]) return undefined;
  const view = array.toArray().slice(1, 1 + MAX_VIEW).map((item) => source.look(item)); // prettier-ignore
  return { page, view: view.map((item) => (item instanceof PdfName || item instanceof PdfNumber ? item : PdfNull.instance)) }; // prettier-ignore
}

/** By name: of the catalog's `/Dests`, which Chromium writes, and of its name tree. */
export function namedPlaces(source: Source): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const add = (key: string, value: PdfObject) => {
    const place = placeIn(source, source.look(value));
    if (place) places.set(key, place);
  };
  for (const [{ value: name }, value] of source.dict(source.catalog, 'Dests') ?? []) add(name, value);
  const tree = source.dict(source.dict(source.catalog, 'Names'), 'Dests');
  for (const [key, value] of nameTreeEntries(source, tree)) add(keyOf(key), value);
  return places;
}

/** The top of a page as it is shown. @param page in the PDF whose box it is */
export function topOfPage(source: Source, index: number, page: PdfRef): PdfArray {
  const [left, bottom, right, top] = boxOf(source, index);
  const corner = { 0: [left, top], 90: [left, bottom], 180: [right, bottom], 270: [right, top] }[
    source.rotation(index)
  ];
  const [x = left, y = top] = corner ?? [];
  return finishedArray([page, PdfName.of('XYZ'), PdfNumber.of(x), PdfNumber.of(y), PdfNull.instance]);
}

function boxOf(source: Source, index: number): [left: number, bottom: number, right: number, top: number] {
  const box = source.look(source.inherited(index, 'CropBox') ?? source.inherited(index, 'MediaBox'));
  const sides = box instanceof PdfArray ? box.toArray().map((side) => source.look(side)) : [];
  const [a = 0, b = 0, c = 612, d = 792] = sides.flatMap((side) => (side instanceof PdfNumber ? [side.value] : []));
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}
