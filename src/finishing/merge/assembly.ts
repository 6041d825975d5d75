import type { BookmarkKind } from '../../domain/finishing.ts';
import { PDF, PdfArray, PdfDict, PdfName, type PdfObject, PdfRef, PdfString } from '../libpdf.ts';
import { AttachedFiles } from './attached-files.ts';
import { addInherited, Catalogs, namedDestinations } from './catalog.ts';
import { topOfPage } from './destinations.ts';
import { Forms } from './forms.ts';
import { Info } from './info.ts';
import { Layers } from './layers.ts';
import { type OutlineItem, outlineOf, OutlineWriter } from './outline.ts';
import { PageLabels } from './page-labels.ts';
import { PartCopy } from './part-copy.ts';
import type { Part } from './part-pages.ts';
import { SharedObjects } from './shared-objects.ts';
import type { Source } from './source.ts';
import { Structures } from './structure.ts';
import { StructureKeys } from './structure-keys.ts';

interface AssemblyOptions {
  /** whether there are several parts: then each is a bookmark, and what they have in common is stored once */
  isMerge: boolean;
  /** whether a link may lead from part to part, by a name that only the other part has */
  areLinked: boolean;
  /** which bookmarks a merge has; default: both */
  bookmarks?: BookmarkKind | undefined;
  /** Puts a page after those before it; default: into the PDF's own list. */
  placePage?: (ref: PdfRef, page: PdfDict) => void;
}

/** Article threads lead from page to page and are left out. */
const LEFT_OUT = ['Parent', 'Annots', 'B'];

/**
 * A new PDF while pages of others are added to it. Between two additions it refers to nothing of its sources, and what
 * was added is not changed any more.
 */
export class Assembly {
  readonly target = PDF.create();
  readonly #options: AssemblyOptions;
  readonly #shared: SharedObjects | undefined;
  readonly #keys = new StructureKeys();
  readonly #forms = new Forms(this.target);
  readonly #structures: Structures;
  readonly #outline = new OutlineWriter(this.target);
  readonly #files = new AttachedFiles(this.target);
  readonly #catalogs: Catalogs;
  readonly #layers = new Layers();
  readonly #labels = new PageLabels();
  readonly #info = new Info();
  #destinations: PdfDict | undefined;
  #parts = 0;

  constructor(options: AssemblyOptions) {
    this.#options = options;
    this.#shared = options.isMerge ? new SharedObjects() : undefined;
    this.#structures = new Structures(this.target, options);
    this.#catalogs = new Catalogs(this.target.getCatalog(), { shared: this.#shared });
  }

  /** Adds parts, each with at least one page, after those that are there. */
  add(parts: readonly Part[]): void {
    const { target } = this;
    const { isMerge, areLinked } = this.#options;
    const copies: PartCopy[] = [];
    const options = {
      target,
      shared: this.#shared,
      parts: areLinked ? copies : [],
      rewrite: (copy: PartCopy, dict: PdfDict) => this.#keys.rewrite(copy, dict),
    };
    for (const part of parts) copies.push(new PartCopy(part, options));
    for (const copy of copies) copy.leaveOut();

    for (const copy of copies) this.#forms.add(copy);
    for (const copy of copies) this.#copyPages(copy);
    this.#structures.add(copies);
    for (const copy of copies) this.#addBookmarks(copy);
    this.#files.add(copies);
    this.#catalogs.add(copies);
    for (const { copier } of copies) copier.drain();

    // what depends on what was copied
    this.#layers.add(copies);
    for (const { copier } of copies) copier.drain();
    this.#keys.settle(target);
    if (!isMerge) for (const copy of copies) this.#destinations = namedDestinations(target, copy);
    this.#labels.add(copies);
    this.#info.add(copies);
    this.#shared?.forgetSources();
  }

  /** Writes what all parts have together. Nothing can be added afterwards. */
  finish(): PDF {
    const { target } = this;
    const catalog = target.getCatalog();
    this.#catalogs.finish();
    const structure = this.#structures.finish();
    if (structure) this.#keys.writeParentTree(target, structure);
    const outline = this.#outline.finish();
    const files = this.#files.finish();
    const names = { EmbeddedFiles: files.tree, Dests: this.#destinations };
    const found = Object.entries(names).filter((entry): entry is [string, PdfDict] => entry[1] !== undefined);
    const entries = {
      Outlines: outline,
      PageMode: outline && PdfName.of('UseOutlines'),
      StructTreeRoot: structure && target.context.getRef(structure),
      PageLabels: this.#labels.finish(target),
      AcroForm: this.#forms.finish(),
      OCProperties: this.#layers.finish(),
      AF: files.associated,
      Names: found.length > 0 ? PdfDict.of(Object.fromEntries(found)) : undefined,
    };
    for (const [key, value] of Object.entries(entries)) if (value) catalog.set(key, value);
    this.#info.writeTo(target);
    return target;
  }

  #copyPages(part: PartCopy): void {
    for (const [position, index] of part.selected.entries()) {
      const ref = part.pages[position];
      const page = part.copier.copyDict(part.source.page(index), LEFT_OUT);
      if (!ref || !page) continue;
      addInherited(part, index, page);
      const annotations = part.annotationsOf(index).flatMap((annotation): PdfObject[] => {
        const copied = part.copier.copy(annotation);
        return copied instanceof PdfRef || copied instanceof PdfDict ? [copied] : [];
      });
      if (annotations.length > 0) page.set('Annots', new PdfArray(annotations));
      this.target.context.registry.registerAt(ref, page);
      if (this.#options.placePage) this.#options.placePage(ref, page);
      else this.target.insertPage(this.target.getPageCount(), ref);
    }
  }

  #addBookmarks(part: PartCopy): void {
    this.#parts++;
    const { isMerge, bookmarks = 'both' } = this.#options;
    const own = bookmarks === 'titles' && isMerge ? [] : outlineOf(part);
    if (!isMerge || bookmarks === 'own') this.#outline.add(own);
    else if (part.isContinued) this.#outline.addBelow(own);
    else this.#outline.add([partItem(part, this.#parts, own)]);
  }
}

/** What a document calls itself. */
export function titleOf(source: Source): string | undefined {
  return source.string(source.info, 'Title')?.asString().trim() || undefined;
}

/** The bookmark of a part, with its own below it. @param number from 1 */
function partItem(part: PartCopy, number: number, children: OutlineItem[]): OutlineItem {
  const [page] = part.pages;
  const title = part.title ?? titleOf(part.source) ?? `Part ${number}`;
  return {
    title: PdfString.fromString(title),
    destination: page && topOfPage(part.source, part.selected[0] ?? 0, page),
    isOpen: true,
    children,
  };
}
