import type { PDF, PdfRef } from '../libpdf.ts';
import { PdfArray, PdfDict, PdfName, type PdfObject, PdfString } from '../libpdf.ts';
import { KeptStructure } from './kept-structure.ts';
import type { PartCopy } from './part-copy.ts';
import { StructureNames } from './structure-names.ts';
import { type Element, isElement, type Kid, structureTree, type StructureTree } from './structure-tree.ts';
import { writeNameTree } from './trees.ts';

/** An element of the new PDF to which others are added. */
interface Parent {
  ref: PdfRef;
  /** its `K` */
  kids: PdfArray;
}

/** Joins the tags of all parts into one tree. Of several parts each is a Part below one Document. */
export class Structures {
  readonly #target: PDF;
  readonly #isMerge: boolean;
  readonly #names = new StructureNames();
  readonly #namespaces: PdfObject[] = [];
  #tree: { root: PdfDict; rootRef: PdfRef; top: Parent } | undefined;
  #parts = 0;

  constructor(target: PDF, { isMerge }: { isMerge: boolean }) {
    this.#target = target;
    this.#isMerge = isMerge;
  }

  add(parts: readonly PartCopy[]): void {
    for (const part of parts) {
      this.#parts++;
      const tree = part.source.once(structureTree);
      if (!tree) continue;
      const { top } = (this.#tree ??= this.#begin());
      const prefix = this.#isMerge ? `p${this.#parts}-` : '';
      copyStructure(this.#target, { part, tree, prefix, names: this.#names, top, isMerge: this.#isMerge });
      for (const namespace of part.source.items(tree.root, 'Namespaces')) this.#addNamespace(part.copier.copy(namespace)); // prettier-ignore
    }
  }

  /** @returns the root of the tree; undefined: no part has tags */
  finish(): PdfDict | undefined {
    if (!this.#tree) return undefined;
    const { root, rootRef, top } = this.#tree;
    const names = this.#names;
    const { registry } = this.#target.context;
    registry.registerAt(rootRef, root);
    if (this.#isMerge) registry.registerAt(top.ref, PdfDict.of({ Type: PdfName.of('StructElem'), S: PdfName.of('Document'), P: rootRef, K: top.kids })); // prettier-ignore
    root.set('K', this.#isMerge ? top.ref : top.kids);
    if (this.#namespaces.length > 0) root.set('Namespaces', new PdfArray(this.#namespaces));
    if (names.roles.size > 0) root.set('RoleMap', names.roles);
    if (names.classes.size > 0) root.set('ClassMap', names.classes);
    if (names.ids.size > 0) root.set('IDTree', this.#target.context.register(idTree(this.#target, names)));
    return root;
  }

  #begin() {
    const { registry } = this.#target.context;
    const rootRef = registry.allocateRef();
    const top = { ref: this.#isMerge ? registry.allocateRef() : rootRef, kids: new PdfArray([]) };
    return { root: PdfDict.of({ Type: PdfName.of('StructTreeRoot') }), rootRef, top };
  }

  /** Parts may share it. */
  #addNamespace(namespace: PdfObject | undefined): void {
    if (namespace && !this.#namespaces.includes(namespace)) this.#namespaces.push(namespace);
  }
}

const idTree = (target: PDF, { ids }: StructureNames): PdfDict =>
  writeNameTree(target, [...ids.values()].map(({ id, element }) => [id, element])); // prettier-ignore

interface CopyOptions {
  part: PartCopy;
  tree: StructureTree;
  prefix: string;
  names: StructureNames;
  top: Parent;
  isMerge: boolean;
}

interface Planned {
  element: Element;
  ref: PdfRef;
  parent: PdfRef;
  kids: Kid[];
  id: PdfString | undefined;
}

function copyStructure(target: PDF, { part, tree, prefix, names, top, isMerge }: CopyOptions): void {
  const { copier, source } = part;
  copier.leaveOut(tree.objects);
  if (tree.rootRef) copier.assign(tree.rootRef, top.ref);
  const kept = new KeptStructure(part, tree);
  const partNames = names.ofPart(part, tree.root, prefix);
  const kids = kept.of(tree.kids);
  if (kids.length === 0) return;

  const document = isMerge && kids.length === 1 ? kids.find((kid) => isElement(kid) && source.name(kid.dict, 'S') === 'Document') : undefined; // prettier-ignore
  const above = isMerge && !document ? wrap(target, top, part) : top;
  const refs = new Map<Kid, PdfRef>();
  const planned: Planned[] = [];
  const plan = (list: readonly Kid[], parent: PdfRef) => {
    for (const kid of list) {
      if (!isElement(kid)) continue;
      const ref = target.context.registry.allocateRef();
      refs.set(kid, ref);
      if (kid.ref) copier.assign(kid.ref, ref);
      const id = source.string(kid.dict, 'ID');
      planned.push({ element: kid, ref, parent, kids: kept.of(kid.kids), id: id && partNames.keepId(id) });
    }
  };
  plan(kids, above.ref);
  // the list grows meanwhile
  for (const { kids: below, ref } of planned) plan(below, ref);

  const written = (kid: Kid) => (isElement(kid) ? refs.get(kid) : copier.copy(kid.object)) ?? [];
  for (const { element, ref, parent, kids: below, id } of planned) {
    const dict = copier.copyDict(partNames.rename(element.dict), ['K', 'P', 'ID']) ?? new PdfDict();
    dict.set('P', parent);
    const list = below.flatMap(written);
    if (list.length > 0) dict.set('K', list.length === 1 && list[0] ? list[0] : new PdfArray(list));
    if (id) {
      dict.set('ID', id);
      names.ids.set(Buffer.from(id.bytes).toString('latin1'), { id, element: ref });
    }
    if (element === document) asPart(dict, part);
    target.context.registry.registerAt(ref, dict);
  }
  for (const kid of kids.flatMap(written)) above.kids.push(kid);
}

/** A Part for a source whose tags begin with anything but one Document. */
function wrap(target: PDF, top: Parent, part: PartCopy): Parent {
  const kids = new PdfArray([]);
  const dict = PdfDict.of({ Type: PdfName.of('StructElem'), P: top.ref, K: kids });
  asPart(dict, part);
  const ref = target.context.register(dict);
  top.kids.push(ref);
  return { ref, kids };
}

function asPart(dict: PdfDict, { title, source }: PartCopy): void {
  dict.set('S', PdfName.of('Part'));
  if (title !== undefined && !dict.has('T')) dict.set('T', PdfString.fromString(title));
  const language = source.string(source.catalog, 'Lang');
  if (language && !dict.has('Lang')) dict.set('Lang', language);
}
