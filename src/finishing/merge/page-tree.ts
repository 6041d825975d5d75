import { type PDF, PdfArray, PdfDict, PdfName, PdfNumber, type PdfRef } from '../libpdf.ts';

/** Pages, or nodes, below one node: readers that look for a page read as many at each level. */
const KIDS = 64;

interface Node {
  ref: PdfRef;
  kids: PdfRef[];
  /** pages below it */
  count: number;
}

/** The pages of a PDF as a tree that is written while they come. */
export class PageTree {
  readonly #target: PDF;
  /** the last node of each level; that of the lowest, 0, has pages */
  readonly #levels: (Node | undefined)[] = [];

  constructor(target: PDF) {
    this.#target = target;
  }

  add(ref: PdfRef, page: PdfDict): void {
    page.set('Parent', this.#put(0, ref, 1));
  }

  /** Puts them into the document's own node. */
  finish(): void {
    const ref = this.#target.getCatalog().getRef('Pages');
    const root = ref && this.#target.getObject(ref);
    if (!ref || !(root instanceof PdfDict)) throw new Error('libpdf has made no Pages');
    // Closing a node may begin a level.
    for (let level = 0; level < this.#levels.length - 1; level++) this.#close(level);
    const top = this.#levels.at(-1);
    root.set('Kids', new PdfArray(top ? [top.ref] : []));
    root.set('Count', PdfNumber.of(top?.count ?? 0));
    if (top) this.#write(top, ref);
  }

  /** @returns the node above the kid */
  #put(level: number, kid: PdfRef, count: number): PdfRef {
    const node = (this.#levels[level] ??= { ref: this.#target.context.registry.allocateRef(), kids: [], count: 0 });
    node.kids.push(kid);
    node.count += count;
    if (node.kids.length === KIDS) this.#close(level);
    return node.ref;
  }

  #close(level: number): void {
    const node = this.#levels[level];
    if (!node) return;
    this.#levels[level] = undefined;
    this.#write(node, this.#put(level + 1, node.ref, node.count));
  }

  #write({ ref, kids, count }: Node, parent: PdfRef): void {
    const dict = PdfDict.of({ Type: PdfName.of('Pages'), Parent: parent, Kids: new PdfArray(kids), Count: PdfNumber.of(count) }); // prettier-ignore
    this.#target.context.registry.registerAt(ref, dict);
  }
}
