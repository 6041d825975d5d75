import { type PDF, PdfDict, PdfName, type PdfRef } from '../libpdf.ts';

/** Tags of PDF 2.0 that Chromium writes, and which of PDF 1.7 comes nearest: PDF/UA-1 knows no others. */
const NEAREST = { Aside: 'Sect', Em: 'Span', Strong: 'Span' };

/** Says of the tags that PDF 1.7 has not what they mean. A PDF that says it already keeps that. */
export function mapTags(pdf: PDF, tree: PdfDict): void {
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const map = tree.getDict('RoleMap', resolve) ?? new PdfDict();
  for (const [tag, nearest] of Object.entries(NEAREST)) if (!map.has(tag)) map.set(tag, PdfName.of(nearest));
  tree.set('RoleMap', map);
}
