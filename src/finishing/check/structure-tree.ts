import type { PdfFile } from './pdf-file.ts';
import type { PdfDictionary } from './pdf-value.ts';
import { isDictionary } from './pdf-value.ts';
import { STANDARD_TAGS, StructureParents } from './structure-parents.ts';

/** An element of the structure of a tagged document. */
export interface StructureElement {
  dictionary: PdfDictionary;
  /** its own */
  ownTag: string;
  /** of the standard */
  tag: string;
  /** the nearest around it that is not only a group; the outermost group if there is none */
  parent: StructureElement | undefined;
  /** those of groups in it instead of the groups */
  children: StructureElement[];
  page: number | undefined;
}

/** Elements, at most; what comes after them is not looked at. */
const MAX_ELEMENTS = 2_000_000;

/** Groups without a meaning for what may be in what: as veraPDF, the rules look through them. */
const GROUPS = new Set(['NonStruct', 'Div', 'Part']);
const isGroup = ({ tag }: StructureElement) => GROUPS.has(tag);

/** The elements of the document in the order in which they are read. */
export function readStructure(file: PdfFile): StructureElement[] {
  const parents = new StructureParents(file);
  const pages = new Map(file.pages.map((page, index) => [page, index + 1]));
  const elements: StructureElement[] = [];
  const seen = new Set<PdfDictionary>();
  const kidsOf = (dictionary: PdfDictionary) => dictionary.all('K').filter(isDictionary).filter((kid) => kid.has('S')); // prettier-ignore
  const open: [PdfDictionary, StructureElement | undefined][] = [];
  const push = (dictionary: PdfDictionary, parent: StructureElement | undefined) => {
    for (const kid of kidsOf(dictionary).toReversed()) open.push([kid, parent]);
  };
  if (parents.root) push(parents.root, undefined);
  for (let next = open.pop(); next && elements.length < MAX_ELEMENTS; next = open.pop()) {
    const [dictionary, around] = next;
    if (seen.has(dictionary)) continue;
    seen.add(dictionary);
    const own = dictionary.dictionary('Pg') ?? dictionary.all('K').filter(isDictionary).find((kid) => kid.has('Pg'))?.dictionary('Pg'); // prettier-ignore
    const page = (own && pages.get(own)) ?? around?.page;
    const parent = around && isGroup(around) && around.parent ? around.parent : around;
    const element: StructureElement = { dictionary, ownTag: dictionary.name('S') ?? '', tag: parents.standardTag(dictionary), parent, children: [], page }; // prettier-ignore
    if (!isGroup(element)) parent?.children.push(element);
    elements.push(element);
    push(dictionary, element);
  }
  fillPages(elements);
  return elements;
}

/** An element without content of its own is on the page of its first child. */
function fillPages(elements: readonly StructureElement[]): void {
  for (const element of elements.toReversed())
    if (element.parent && element.parent.page === undefined) element.parent.page = element.page;
}

export const isStandard = (tag: string): boolean => STANDARD_TAGS.has(tag);
