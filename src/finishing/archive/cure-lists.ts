import { type PDF, PdfArray, PdfDict, PdfName, type PdfObject } from '../libpdf.ts';
import { elementOf, structureElements, type TaggedElement } from './structure-elements.ts';

const PARTS = new Set(['Lbl', 'LBody']);

/**
 * Gives the items of lists a body. Chromium tags those that have no bullet without one, which PDF/UA does not allow.
 */
export function cureLists(pdf: PDF): void {
  for (const tagged of structureElements(pdf)) if (tagged.element.getName('S')?.value === 'LI') addBody(pdf, tagged);
}

function addBody(pdf: PDF, { element: item, kids }: TaggedElement): void {
  const isLoose = (kid: PdfObject) => {
    const tag = elementOf(pdf, kid)?.getName('S')?.value;
    return tag !== undefined && !PARTS.has(tag);
  };
  const loose = kids.filter(isLoose);
  const parent = pdf.context.registry.getRef(item);
  if (loose.length === 0 || !parent) return;
  const body = pdf.context.register(
    PdfDict.of({ Type: PdfName.of('StructElem'), S: PdfName.of('LBody'), P: parent, K: PdfArray.of(...loose) }),
  );
  for (const kid of loose) elementOf(pdf, kid)?.set('P', body);
  const first = kids.findIndex(isLoose);
  const kept = kids.map((kid, index) => (index === first ? body : kid));
  item.set('K', PdfArray.of(...kept.filter((kid) => !loose.includes(kid))));
}
