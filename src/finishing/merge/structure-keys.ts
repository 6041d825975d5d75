import type { PDF } from '../libpdf.ts';
import { PdfArray, type PdfDict, PdfNull, PdfNumber, type PdfObject, PdfRef } from '../libpdf.ts';
import type { PartCopy } from './part-copy.ts';
import { structureTree } from './structure-tree.ts';
import { writeNumberTree } from './trees.ts';

const KEYS = ['StructParents', 'StructParent'] as const;

/** The numbers by which pages, annotations and drawings find their elements. Every part has its own from 0. */
export class StructureKeys {
  /** since the last {@link settle} */
  #given: { part: PartCopy; found: PdfObject; key: number }[] = [];
  /** what numbers stand for in the new PDF */
  readonly #entries: [number, PdfObject][] = [];
  #next = 0;
  readonly #known = new Map<PartCopy, Map<number, number>>();

  /** Gives what is copied the number that it has in the new PDF, and none to what has no element. */
  rewrite(part: PartCopy, given: PdfDict): PdfDict {
    let dict = given;
    for (const name of KEYS) {
      const old = dict.has(name) ? part.source.number(dict, name) : undefined;
      if (old === undefined) continue;
      const key = this.#keyFor(part, old);
      if (dict === given) dict = given.clone();
      if (key === undefined) dict.delete(name);
      else dict.set(name, PdfNumber.of(key));
    }
    return dict;
  }

  /** When everything of the parts is copied: they are not needed any more. */
  settle(target: PDF): void {
    for (const { part, found, key } of this.#given) {
      const elementOf = (object: PdfObject) => part.copier.targetOf(object) ?? PdfNull.instance;
      const isList = found instanceof PdfArray;
      this.#entries.push([key, isList ? target.context.register(new PdfArray(found.toArray().map(elementOf))) : elementOf(found)]); // prettier-ignore
    }
    this.#given = [];
    this.#known.clear();
  }

  writeParentTree(target: PDF, root: PdfDict): void {
    root.set('ParentTree', target.context.register(writeNumberTree(target, this.#entries)));
    root.set('ParentTreeNextKey', PdfNumber.of(this.#next));
  }

  #keyFor(part: PartCopy, old: number): number | undefined {
    const known = this.#known.get(part) ?? new Map<number, number>();
    this.#known.set(part, known);
    if (known.has(old)) return known.get(old);
    const value = part.source.once(structureTree)?.parents.get(old);
    if (value === undefined) return undefined;
    const list = part.source.look(value);
    const found = list instanceof PdfArray ? list : value;
    if (!(found instanceof PdfArray || found instanceof PdfRef)) return undefined;
    const key = this.#next++;
    this.#given.push({ part, found, key });
    known.set(old, key);
    return key;
  }
}
