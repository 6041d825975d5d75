import { type PDF, PdfArray, PdfDict, type PdfObject, PdfRef } from '../libpdf.ts';

/** An element of the structure, and what is in it, in order: elements, numbers of marked content, references. */
export interface TaggedElement {
  element: PdfDict;
  kids: PdfObject[];
}

/** The element that a kid of another one is, if it is one. */
export function elementOf(pdf: PDF, kid: PdfObject | undefined): PdfDict | undefined {
  const found = kid instanceof PdfRef ? pdf.context.resolve(kid) : kid;
  return found instanceof PdfDict && found.has('S') ? found : undefined;
}

/** The elements of the structure of a PDF, each before those in it. */
export function* structureElements(pdf: PDF): Generator<TaggedElement> {
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const tree = pdf.context.catalog.getDict().getDict('StructTreeRoot', resolve);
  if (!tree) return;
  const seen = new Set<PdfDict>([tree]);
  const open: PdfDict[] = [tree];
  for (let element = open.pop(); element; element = open.pop()) {
    const given = element.get('K');
    const found = given instanceof PdfRef ? resolve(given) : given;
    const kids = found instanceof PdfArray ? [...found] : given ? [given] : [];
    if (element !== tree) yield { element, kids };
    for (const kid of kids) {
      const inner = elementOf(pdf, kid);
      if (!inner || seen.has(inner)) continue;
      seen.add(inner);
      open.push(inner);
    }
  }
}
