import { type PDF, PdfArray, PdfDict, type PdfRef } from '../libpdf.ts';

/** A page of a PDF, with what it inherits. */
export interface Page {
  ref: PdfRef;
  dictionary: PdfDict;
  resources: PdfDict | undefined;
  annotations: PdfDict[];
}

/** Nodes of the page tree above a page. */
const MAX_LEVELS = 100;

/** The pages of a PDF, in order. */
export function* pagesOf(pdf: PDF): Generator<Page> {
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  for (const ref of pdf.context.pages.getPages()) {
    const dictionary = resolve(ref);
    if (!(dictionary instanceof PdfDict)) continue;
    const list = dictionary.getArray('Annots', resolve) ?? new PdfArray();
    const annotations = Array.from({ length: list.length }, (_, index) => list.at(index, resolve));
    yield {
      ref,
      dictionary,
      resources: inheritedResources(dictionary, resolve),
      annotations: annotations.filter((annotation) => annotation instanceof PdfDict),
    };
  }
}

function inheritedResources(
  page: PdfDict,
  resolve: (ref: PdfRef) => ReturnType<PDF['context']['resolve']>,
): PdfDict | undefined {
  let node: PdfDict | undefined = page;
  for (let level = 0; node && level < MAX_LEVELS; level++) {
    const found: PdfDict | undefined = node.getDict('Resources', resolve);
    if (found) return found;
    node = node.getDict('Parent', resolve);
  }
  return undefined;
}
