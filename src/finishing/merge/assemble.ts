import { PDF, PdfArray, PdfDict, PdfName, type PdfObject, PdfRef, PdfString } from '../libpdf.ts';
import { joinAttachedFiles } from './attached-files.ts';
import { addInherited, joinCatalogs, joinInfo, namedDestinations } from './catalog.ts';
import { topOfPage } from './destinations.ts';
import { Forms } from './forms.ts';
import { joinLayers } from './layers.ts';
import { type OutlineItem, outlineOf, writeOutline } from './outline.ts';
import { joinPageLabels } from './page-labels.ts';
import { PartCopy } from './part-copy.ts';
import type { Source } from './source.ts';
import type { Part } from './part-pages.ts';
import { SharedObjects } from './shared-objects.ts';
import { joinStructures } from './structure.ts';
import { StructureKeys } from './structure-keys.ts';

/**
 * A new PDF of pages of others, which stay as they are. Bookmarks, links, tags, page labels, attached files, forms and
 * layers are kept as far as they belong to these pages, and nothing else of the sources. Of several parts each is a
 * bookmark with its own below it, and what they have in common is stored once.
 * @param parts at least one, each with at least one page
 */
export function assemble(parts: readonly Part[]): PDF {
  const isMerge = parts.length > 1;
  const target = PDF.create();
  const shared = isMerge ? new SharedObjects() : undefined;
  const keys = new StructureKeys();
  const copies: PartCopy[] = [];
  const options = {
    target,
    shared,
    parts: copies,
    rewrite: (copy: PartCopy, dict: PdfDict) => keys.rewrite(copy, dict),
  };
  for (const part of parts) copies.push(new PartCopy(part, options));
  for (const copy of copies) copy.leaveOut();

  const catalog = target.getCatalog();
  const forms = new Forms(target);
  for (const copy of copies) forms.add(copy);
  for (const copy of copies) copyPages(target, copy);
  const structure = joinStructures(target, copies, isMerge);
  const outline = writeOutline(target, copies.flatMap((copy, index) => (isMerge ? partItem(copy, index) : outlineOf(copy)))); // prettier-ignore
  const files = joinAttachedFiles(target, copies);
  joinCatalogs(catalog, copies, shared);
  for (const { copier } of copies) copier.drain();

  // what depends on what was copied
  const layers = joinLayers(copies);
  for (const { copier } of copies) copier.drain();
  if (structure) keys.writeParentTree(target, structure);
  const names = { EmbeddedFiles: files.tree, Dests: namedDestinations(target, copies) };
  const found = Object.entries(names).filter((entry): entry is [string, PdfDict] => entry[1] !== undefined);
  const entries = {
    Outlines: outline,
    PageMode: outline && PdfName.of('UseOutlines'),
    StructTreeRoot: structure && target.context.getRef(structure),
    PageLabels: joinPageLabels(target, copies),
    AcroForm: forms.finish(),
    OCProperties: layers,
    AF: files.associated,
    Names: found.length > 0 ? PdfDict.of(Object.fromEntries(found)) : undefined,
  };
  for (const [key, value] of Object.entries(entries)) if (value) catalog.set(key, value);
  writeInfo(target, copies);
  return target;
}

/** Article threads lead from page to page and are left out. */
const LEFT_OUT = ['Parent', 'Annots', 'B'];

function copyPages(target: PDF, part: PartCopy): void {
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
    target.context.registry.registerAt(ref, page);
    target.insertPage(target.getPageCount(), ref);
  }
}

/** What a document calls itself. */
export function titleOf(source: Source): string | undefined {
  return source.string(source.info, 'Title')?.asString().trim() || undefined;
}

/** The bookmark of a part, with its own below it. */
function partItem(part: PartCopy, index: number): OutlineItem {
  const [page] = part.pages;
  const title = part.title ?? titleOf(part.source) ?? `Part ${index + 1}`;
  return {
    title: PdfString.fromString(title),
    destination: page && topOfPage(part.source, part.selected[0] ?? 0, page),
    isOpen: true,
    children: outlineOf(part),
  };
}

function writeInfo(target: PDF, parts: readonly PartCopy[]): void {
  const versions = parts.map(({ source }) => source.document.version);
  target.upgradeVersion(versions.reduce((a, b) => (Number(b) > Number(a) ? b : a), '1.7'));
  const ref = target.context.info.trailer.getRef('Info');
  const info = ref && target.getObject(ref); // libpdf keeps the one that it has made
  if (!(info instanceof PdfDict)) throw new Error('libpdf has made no Info');
  for (const key of info.keys()) info.delete(key);
  for (const [key, value] of joinInfo(parts)) info.set(key, value);
}
