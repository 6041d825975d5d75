import { PdfArray, PdfDict, type PdfObject, PdfRef } from '../libpdf.ts';
import type { Source } from '../merge/source.ts';
import { type Element, isElement, structureTree } from '../merge/structure-tree.ts';
import { writeNumberTree } from '../merge/trees.ts';

/**
 * Takes annotations that are going out of the tags of a PDF, and tags that have nothing left.
 * @param going numbers of their objects
 * @param keys their `/StructParent`
 */
export function pruneTags(source: Source, going: ReadonlySet<number>, keys: ReadonlySet<number>): void {
  const tree = structureTree(source);
  if (!tree) return;
  const elements: Element[] = tree.kids.filter(isElement);
  // the list grows meanwhile
  for (const element of elements) elements.push(...element.kids.filter(isElement));
  const emptied = new Set<PdfDict>();
  for (const element of elements.toReversed()) {
    const isGone = (object: PdfObject) => {
      const found = source.look(object);
      if (!(found instanceof PdfDict)) return false;
      if (emptied.has(found)) return true;
      const marked = found.getRef('Obj');
      return marked !== undefined && going.has(marked.objectNumber);
    };
    const given = element.dict.get('K');
    const list = source.look(given);
    const kids = list instanceof PdfArray ? list.toArray() : given ? [given] : [];
    const kept = kids.filter((kid) => !isGone(kid));
    if (kept.length === kids.length) continue;
    if (kept.length === 0) emptied.add(element.dict);
    element.dict.set('K', new PdfArray(kept));
  }
  if (emptied.size > 0) pruneRoot(source, tree.root, emptied);
  if (keys.size === 0) return;
  const entries = [...tree.parents].filter(([key]) => !keys.has(key));
  tree.root.set('ParentTree', source.document.register(writeNumberTree(source.document, entries)));
}

function pruneRoot(source: Source, root: PdfDict, emptied: ReadonlySet<PdfDict>): void {
  const given = root.get('K');
  const list = source.look(given);
  const kids = list instanceof PdfArray ? list.toArray() : given instanceof PdfRef ? [given] : [];
  const kept = kids.filter((kid) => !emptied.has(source.look(kid) as PdfDict));
  if (kept.length < kids.length) root.set('K', new PdfArray(kept));
}
