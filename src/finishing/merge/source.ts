import type { PDF } from '../libpdf.ts';
import { PdfArray, PdfDict, PdfName, PdfNumber, type PdfObject, PdfRef, PdfString } from '../libpdf.ts';

/** Indirect objects that are themselves references: more than one in a row is hostile. */
const MAX_HOPS = 8;
/** A page inherits from nodes above it; libpdf has walked them already. */
const MAX_LEVELS = 1_000;

const INHERITED = ['Resources', 'MediaBox', 'CropBox', 'Rotate'] as const;

/** A PDF that is read and never changed, so that several files can be made of it. What is computed is kept for them. */
export class Source {
  readonly document: PDF;
  readonly catalog: PdfDict;
  /** in order */
  readonly pages: readonly PdfRef[];
  readonly #indexes: ReadonlyMap<number, number>;
  readonly #cache = new Map<(source: Source) => unknown, unknown>();

  constructor(document: PDF) {
    this.document = document;
    this.catalog = document.getCatalog();
    this.pages = document.context.pages.getPages();
    this.#indexes = new Map(this.pages.map(({ objectNumber }, index) => [objectNumber, index]));
  }

  /** What `read` makes of this PDF; it is called once. */
  once<Value>(read: (source: Source) => Value): Value {
    if (!this.#cache.has(read)) this.#cache.set(read, read(this));
    return this.#cache.get(read) as Value;
  }

  /** The object itself, where it is a reference. */
  look(object: PdfObject | undefined): PdfObject | undefined {
    let found = object;
    for (let hops = 0; found instanceof PdfRef; hops++) {
      if (hops === MAX_HOPS) return undefined;
      found = this.document.getObject(found) ?? undefined;
    }
    return found;
  }

  get(dict: PdfDict, key: string): PdfObject | undefined {
    return this.look(dict.get(key));
  }

  dict(dict: PdfDict | undefined, key: string): PdfDict | undefined {
    const value = dict && this.get(dict, key);
    return value instanceof PdfDict ? value : undefined;
  }

  /** Its items; empty if it is no array. */
  items(dict: PdfDict | undefined, key: string): readonly PdfObject[] {
    const value = dict && this.get(dict, key);
    return value instanceof PdfArray ? value.toArray() : [];
  }

  name(dict: PdfDict | undefined, key: string): string | undefined {
    const value = dict && this.get(dict, key);
    return value instanceof PdfName ? value.value : undefined;
  }

  number(dict: PdfDict | undefined, key: string): number | undefined {
    const value = dict && this.get(dict, key);
    return value instanceof PdfNumber ? value.value : undefined;
  }

  string(dict: PdfDict | undefined, key: string): PdfString | undefined {
    const value = dict && this.get(dict, key);
    return value instanceof PdfString ? value : undefined;
  }

  /** @returns from 0; undefined for what is no page of this PDF */
  pageIndex(object: PdfObject | undefined): number | undefined {
    return object instanceof PdfRef ? this.#indexes.get(object.objectNumber) : undefined;
  }

  page(index: number): PdfDict {
    const ref = this.pages[index];
    const page = this.look(ref);
    if (!(page instanceof PdfDict)) throw new Error(`page ${index + 1} is none`);
    return page;
  }

  /** An attribute of a page that may be one of the nodes above it. */
  inherited(index: number, key: (typeof INHERITED)[number]): PdfObject | undefined {
    let node: PdfObject | undefined = this.page(index);
    for (let level = 0; node instanceof PdfDict && level < MAX_LEVELS; level++) {
      if (node.has(key)) return node.get(key);
      node = this.get(node, 'Parent');
    }
    return undefined;
  }

  /** Degrees, clockwise: 0, 90, 180 or 270. */
  rotation(index: number): number {
    const value = this.look(this.inherited(index, 'Rotate'));
    return value instanceof PdfNumber ? normalAngle(value.value) : 0;
  }

  /** References to the annotations of a page, and those that the page itself contains. */
  annotations(index: number): readonly PdfObject[] {
    return this.items(this.page(index), 'Annots');
  }

  /** The trailer's. */
  get info(): PdfDict | undefined {
    return this.dict(this.document.context.info.trailer, 'Info');
  }
}

/** @returns 0, 90, 180 or 270 for any number of degrees */
export const normalAngle = (degrees: number): number => (((Math.round(degrees / 90) * 90) % 360) + 360) % 360;
