import type { PDF } from '../libpdf.ts';
import { PdfArray, PdfDict, type PdfObject, PdfRef, PdfString } from '../libpdf.ts';
import type { Copier } from './copier.ts';
import { FreeNames } from './free-names.ts';
import { objectText } from './object-text.ts';
import type { PartCopy } from './part-copy.ts';
import { nameTreeEntries, writeNameTree } from './trees.ts';

/** In a viewer's list it is called by these. */
function renamed(copier: Copier, original: PdfDict, name: string): PdfDict {
  const spec = copier.copyDict(original, ['F', 'UF']) ?? new PdfDict();
  for (const key of ['F', 'UF']) spec.set(key, PdfString.fromString(name));
  return spec;
}

/** The files that are attached to the parts. Different files with one name get names of their own. */
export class AttachedFiles {
  readonly #target: PDF;
  readonly #files = new Map<string, { name: PdfString; file: PdfRef }>();
  readonly #names = new FreeNames();
  /** by name and by where their bytes are */
  readonly #known = new Map<string, PdfRef>();
  readonly #associated = new Map<number, PdfRef>();

  constructor(target: PDF) {
    this.#target = target;
  }

  add(parts: readonly PartCopy[]): void {
    for (const part of parts) {
      const { source, copier } = part;
      const tree = source.dict(source.dict(source.catalog, 'Names'), 'EmbeddedFiles');
      for (const [name, value] of nameTreeEntries(source, tree)) this.#addFile(part, name, value);
      for (const item of source.items(source.catalog, 'AF')) {
        const file = copier.copy(item);
        if (file instanceof PdfRef) this.#associated.set(file.objectNumber, file);
      }
    }
  }

  finish(): { tree: PdfDict | undefined; associated: PdfArray | undefined } {
    const entries = [...this.#files.values()].map(({ name, file }): [PdfString, PdfRef] => [name, file]);
    return {
      tree: entries.length > 0 ? writeNameTree(this.#target, entries) : undefined,
      associated: this.#associated.size > 0 ? new PdfArray([...this.#associated.values()]) : undefined,
    };
  }

  #addFile({ source, copier }: PartCopy, name: PdfString, value: PdfObject): void {
    const original = source.look(value);
    const copied = copier.copy(value);
    if (!(original instanceof PdfDict) || !copied) return;
    const text = name.asString();
    const key = `${text}\n${objectText(copied)}`;
    const same = this.#known.get(key);
    const free = same ? text : this.#names.take(text);
    const file = same ?? this.#fileOf(copied, free === text ? undefined : renamed(copier, original, free));
    if (value instanceof PdfRef) copier.assign(value, file);
    if (same) return;
    this.#known.set(key, file);
    this.#files.set(free, { name: free === text ? name : PdfString.fromString(free), file });
  }

  #fileOf(copied: PdfObject, other: PdfDict | undefined): PdfRef {
    return !other && copied instanceof PdfRef ? copied : this.#target.context.register(other ?? copied);
  }
}
