import { type PDF, PdfArray, PdfDict, PdfName, type PdfObject, PdfRef } from '../libpdf.ts';

const PARTS = new Set(['Lbl', 'LBody']);

/**
 * Gives the items of lists a body. Chromium tags those that have no bullet without one, which PDF/UA does not allow.
 */
export function cureLists(pdf: PDF): void {
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const tree = pdf.context.catalog.getDict().getDict('StructTreeRoot', resolve);
  if (!tree) return;
  const element = (kid: PdfObject | undefined): PdfDict | undefined => {
    const found = kid instanceof PdfRef ? resolve(kid) : kid;
    return found instanceof PdfDict && found.has('S') ? found : undefined;
  };
  const kidsOf = (node: PdfDict): PdfObject[] => {
    const kids = node.get('K');
    const found = kids instanceof PdfRef ? resolve(kids) : kids;
    return found instanceof PdfArray ? [...found] : kids ? [kids] : [];
  };
  const seen = new Set<PdfDict>([tree]);
  const open: PdfDict[] = [tree];
  for (let node = open.pop(); node; node = open.pop()) {
    const kids = kidsOf(node);
    if (node.getName('S')?.value === 'LI') addBody(node, kids);
    for (const kid of kids) {
      const found = element(kid);
      if (!found || seen.has(found)) continue;
      seen.add(found);
      open.push(found);
    }
  }

  function addBody(item: PdfDict, kids: PdfObject[]): void {
    const isLoose = (kid: PdfObject) => {
      const tag = element(kid)?.getName('S')?.value;
      return tag !== undefined && !PARTS.has(tag);
    };
    const loose = kids.filter(isLoose);
    const parent = pdf.context.registry.getRef(item);
    if (loose.length === 0 || !parent) return;
    const body = pdf.context.register(
      PdfDict.of({ Type: PdfName.of('StructElem'), S: PdfName.of('LBody'), P: parent, K: PdfArray.of(...loose) }),
    );
    for (const kid of loose) element(kid)?.set('P', body);
    const first = kids.findIndex(isLoose);
    const kept = kids.map((kid, index) => (index === first ? body : kid));
    item.set('K', PdfArray.of(...kept.filter((kid) => !loose.includes(kid))));
  }
}
