import { type PDF, PdfArray, PdfDict, PdfNull, type PdfObject, PdfRef, PdfStream } from '../libpdf.ts';
import { resolved } from './page-geometry.ts';

/** What belongs to another document's pages and structure, and leads to all of it. */
const FOREIGN_TYPES = new Set(['Page', 'Pages', 'Catalog', 'StructElem', 'StructTreeRoot', 'Annot']);
const FOREIGN_KEYS = new Set(['Parent', 'StructParent', 'StructParents']);
/** Direct objects in each other. */
const MAX_DEPTH = 50;

/** Copies objects of one PDF into another, each that is shared once. */
export class Graft {
  readonly #source: PDF;
  readonly #target: PDF;
  readonly #copies = new Map<string, PdfRef>();
  readonly #pending: [from: PdfRef, to: PdfRef][] = [];

  constructor(source: PDF, target: PDF) {
    this.#source = source;
    this.#target = target;
  }

  /** A copy of the object, and of all that it refers to. */
  copy(object: PdfObject): PdfObject {
    const copied = this.#copy(object, 0);
    // One after the other: objects may refer to each other in chains of any length.
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) {
      const [from, to] = next;
      this.#target.context.registry.registerAt(to, this.#copy(this.#source.getObject(from) ?? PdfNull.instance, 0));
    }
    return copied;
  }

  #copy(object: PdfObject, depth: number): PdfObject {
    if (depth > MAX_DEPTH) return PdfNull.instance;
    if (object instanceof PdfRef) return this.#refer(object);
    if (object instanceof PdfArray) return new PdfArray(object.toArray().map((item) => this.#copy(item, depth + 1)));
    if (!(object instanceof PdfDict)) return object;
    if (FOREIGN_TYPES.has(object.getName('Type')?.value ?? '')) return PdfNull.instance;
    const entries: [string, PdfObject][] = [];
    for (const [{ value: key }, value] of object)
      if (!FOREIGN_KEYS.has(key)) entries.push([key, this.#copy(this.#plain(key, value), depth + 1)]);
    return object instanceof PdfStream ? new PdfStream(entries, object.data) : new PdfDict(entries);
  }

  #refer(ref: PdfRef): PdfRef {
    const key = `${ref.objectNumber} ${ref.generation}`;
    const known = this.#copies.get(key);
    if (known) return known;
    const made = this.#target.context.registry.allocateRef();
    this.#copies.set(key, made);
    this.#pending.push([ref, made]);
    return made;
  }

  /** The length of a stream is written anew, so it needs no object. */
  #plain(key: string, value: PdfObject): PdfObject {
    return key === 'Length' ? (resolved(this.#source, value) ?? PdfNull.instance) : value;
  }
}
