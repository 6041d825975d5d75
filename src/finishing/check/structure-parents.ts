import type { PdfFile } from './pdf-file.ts';
import { isDictionary, PdfDictionary, type PdfValue } from './pdf-value.ts';

const MAX_LEVELS = 1_000;
/** The tags of the standard. */
export const STANDARD_TAGS: ReadonlySet<string> = new Set(
  'Document Part Art Sect Div BlockQuote Caption TOC TOCI Index NonStruct Private P H H1 H2 H3 H4 H5 H6 L LI Lbl LBody Table TR TH TD THead TBody TFoot Span Quote Note Reference BibEntry Code Link Annot Ruby RB RT RP Warichu WT WP Figure Formula Form'.split(
    ' ',
  ),
);

/** Which element of the structure content belongs to. */
export class StructureParents {
  readonly root: PdfDictionary | undefined;
  readonly #languages = new Map<PdfDictionary, boolean>();
  #parents: Map<number, PdfValue> | undefined;

  constructor(file: PdfFile) {
    this.root = file.catalog.dictionary('StructTreeRoot');
  }

  /** The element of marked content, or with no `mcid` that of an annotation or form. */
  find(key: number | undefined, mcid?: number): PdfDictionary | undefined {
    if (key === undefined) return undefined;
    this.#parents ??= readNumberTree(this.root?.dictionary('ParentTree'));
    const found = this.#parents.get(key);
    if (mcid === undefined) return found instanceof PdfDictionary ? found : undefined;
    const element = Array.isArray(found) ? this.root?.resolve(found[mcid]) : undefined;
    return element instanceof PdfDictionary ? element : undefined;
  }

  /** The tag of an element, by the document's own map one of the standard. */
  standardTag(element: PdfDictionary): string {
    const map = this.root?.dictionary('RoleMap');
    let tag = element.name('S') ?? '';
    for (let step = 0; step < 20 && !STANDARD_TAGS.has(tag); step++) {
      const next = map?.name(tag);
      if (next === undefined) break;
      tag = next;
    }
    return tag;
  }

  /** Whether an element, or one around it, says its language. */
  hasLanguage(element: PdfDictionary | undefined): boolean {
    const chain: PdfDictionary[] = [];
    let found = false;
    for (let level = 0; element && level < MAX_LEVELS; level++, element = element.dictionary('P')) {
      const known = this.#languages.get(element);
      found = known ?? element.has('Lang');
      if (found || known === false) break;
      chain.push(element);
    }
    for (const each of chain) this.#languages.set(each, found);
    return found;
  }
}

/** The values of a number tree by their numbers. */
function readNumberTree(root: PdfDictionary | undefined): Map<number, PdfValue> {
  const values = new Map<number, PdfValue>();
  const seen = new Set<PdfDictionary>();
  const open = root ? [root] : [];
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const list = node.list('Nums') ?? [];
    for (let index = 0; index + 1 < list.length; index += 2) {
      const key = list[index];
      if (typeof key === 'number') values.set(key, list[index + 1] ?? null);
    }
    open.push(...(node.list('Kids') ?? []).filter(isDictionary));
  }
  return values;
}

/** The values of a name tree by their names, in bytes. */
export function readNameTree(root: PdfDictionary | undefined): PdfValue[] {
  const values: PdfValue[] = [];
  const seen = new Set<PdfDictionary>();
  const open = root ? [root] : [];
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    values.push(...(node.list('Names') ?? []).filter((_, index) => index % 2 === 1));
    open.push(...(node.list('Kids') ?? []).filter(isDictionary));
  }
  return values;
}
