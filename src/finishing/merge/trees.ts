import type { PDF, PdfRef } from '../libpdf.ts';
import { PdfArray, PdfDict, PdfNumber, type PdfObject, PdfString } from '../libpdf.ts';
import type { Source } from './source.ts';

/** Entries of a node that has no more than this; larger trees have nodes below nodes. */
const ENTRIES = 64;

type Entry<Key> = [key: Key, value: PdfObject];

/** The entries of a name tree (PDF 32000, 7.9.6), as they come. */
export const nameTreeEntries = (source: Source, root: PdfDict | undefined): Entry<PdfString>[] =>
  leavesOf(source, root, 'Names').filter((entry): entry is Entry<PdfString> => entry[0] instanceof PdfString);

/** The entries of a number tree (7.9.7), as they come. */
export const numberTreeEntries = (source: Source, root: PdfDict | undefined): Entry<number>[] =>
  leavesOf(source, root, 'Nums').flatMap(([key, value]) => (key instanceof PdfNumber ? [[key.value, value]] : []));

/** Each node once, so that a tree that leads back to itself ends. */
function leavesOf(source: Source, root: PdfDict | undefined, key: 'Names' | 'Nums'): Entry<PdfObject | undefined>[] {
  const entries: Entry<PdfObject | undefined>[] = [];
  const seen = new Set<PdfDict>();
  const todo = root ? [root] : [];
  for (let node = todo.pop(); node; node = todo.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const items = source.items(node, key);
    for (let index = 0; index + 1 < items.length; index += 2) {
      const value = items[index + 1];
      if (value) entries.push([source.look(items[index]), value]);
    }
    const kids = source.items(node, 'Kids').map((kid) => source.look(kid));
    for (const kid of kids.toReversed()) if (kid instanceof PdfDict) todo.push(kid);
  }
  return entries;
}

/** Bytes as text, so that they can be keys and are compared as the standard wants. */
export const keyOf = ({ bytes }: PdfString): string => Buffer.from(bytes).toString('latin1');

/** @param entries each key once */
export function writeNameTree(target: PDF, entries: readonly Entry<PdfString>[]): PdfDict {
  const sorted = entries
    .map(([key, value]) => ({ text: keyOf(key), key, value }))
    .toSorted((a, b) => (a.text < b.text ? -1 : 1));
  return writeTree(target, 'Names', sorted.map(({ key, value }) => [key, value])); // prettier-ignore
}

/** @param entries each key once */
export function writeNumberTree(target: PDF, entries: readonly Entry<number>[]): PdfDict {
  const sorted = entries.toSorted(([a], [b]) => a - b);
  return writeTree(target, 'Nums', sorted.map(([key, value]) => [PdfNumber.of(key), value])); // prettier-ignore
}

interface Node {
  dict: PdfDict;
  first: PdfObject;
  last: PdfObject;
}

function writeTree(target: PDF, key: 'Names' | 'Nums', entries: readonly Entry<PdfObject>[]): PdfDict {
  let nodes: Node[] = inGroups(entries).flatMap((group) => {
    const [first, last] = [group[0]?.[0], group.at(-1)?.[0]];
    return first && last ? [{ dict: PdfDict.of({ [key]: new PdfArray(group.flat()) }), first, last }] : [];
  });
  while (nodes.length > 1)
    nodes = inGroups(nodes).flatMap((group) => {
      const [first, last] = [group[0]?.first, group.at(-1)?.last];
      return first && last ? [{ dict: PdfDict.of({ Kids: new PdfArray(group.map((node) => withLimits(target, node))) }), first, last }] : []; // prettier-ignore
    });
  return nodes[0]?.dict ?? PdfDict.of({ [key]: new PdfArray([]) });
}

function withLimits(target: PDF, { dict, first, last }: Node): PdfRef {
  dict.set('Limits', PdfArray.of(first, last));
  return target.context.register(dict);
}

const inGroups = <Item>(items: readonly Item[]): Item[][] =>
  Array.from({ length: Math.ceil(items.length / ENTRIES) }, (_, index) => items.slice(index * ENTRIES, (index + 1) * ENTRIES)); // prettier-ignore
