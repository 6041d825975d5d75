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
export function joinAttachedFiles(
  target: PDF,
  parts: readonly PartCopy[],
): { tree: PdfDict | undefined; associated: PdfArray | undefined } {
  const fileOf = (copied: PdfObject, other: PdfDict | undefined): PdfRef =>
    !other && copied instanceof PdfRef ? copied : target.context.register(other ?? copied);
  const files = new Map<string, { name: PdfString; file: PdfRef }>();
  const names = new FreeNames();
  /** by name and by where their bytes are */
  const known = new Map<string, PdfRef>();
  const associated = new Map<number, PdfRef>();
  for (const { source, copier } of parts) {
    const tree = source.dict(source.dict(source.catalog, 'Names'), 'EmbeddedFiles');
    for (const [name, value] of nameTreeEntries(source, tree)) {
      const original = source.look(value);
      const copied = copier.copy(value);
      if (!(original instanceof PdfDict) || !copied) continue;
      const text = name.asString();
      const key = `${text}\n${objectText(copied)}`;
      const same = known.get(key);
      const free = same ? text : names.take(text);
      const file = same ?? fileOf(copied, free === text ? undefined : renamed(copier, original, free));
      if (value instanceof PdfRef) copier.assign(value, file);
      if (same) continue;
      known.set(key, file);
      files.set(free, { name: free === text ? name : PdfString.fromString(free), file });
    }
    for (const item of source.items(source.catalog, 'AF')) {
      const file = copier.copy(item);
      if (file instanceof PdfRef) associated.set(file.objectNumber, file);
    }
  }
  const entries = [...files.values()].map(({ name, file }): [PdfString, PdfRef] => [name, file]);
  return {
    tree: entries.length > 0 ? writeNameTree(target, entries) : undefined,
    associated: associated.size > 0 ? new PdfArray([...associated.values()]) : undefined,
  };
}
