import { type PDF, PdfBool, PdfDict, PdfName, type PdfRef, PdfString } from '../libpdf.ts';
import { cureLanguages } from './cure-languages.ts';
import { LinkTargets } from './link-targets.ts';
import { mapTags } from './map-tags.ts';
import { markPages } from './mark-pages.ts';
import { pagesOf } from './pages.ts';

/**
 * Gives a PDF what PDF/UA wants besides metadata, and what can be given without its author: whatever is not tagged is
 * an artifact, tags of PDF 2.0 are mapped, links say where they lead, viewers show the title. Of PDFs that are not tagged nothing is changed.
 */
export function cureAccessible(pdf: PDF): void {
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const catalog = pdf.context.catalog.getDict();
  const tree = catalog.getDict('StructTreeRoot', resolve);
  if (!tree) return;
  const part = (name: string): PdfDict => {
    const known = catalog.getDict(name, resolve);
    if (known) return known;
    const added = new PdfDict();
    catalog.set(name, added);
    return added;
  };
  part('MarkInfo').set('Marked', PdfBool.TRUE);
  if (part('MarkInfo').has('Suspects')) part('MarkInfo').set('Suspects', PdfBool.FALSE);
  part('ViewerPreferences').set('DisplayDocTitle', PdfBool.TRUE);
  cureLanguages(pdf);
  mapTags(pdf, tree);

  const targets = new LinkTargets(pdf);
  for (const { dictionary, annotations } of pagesOf(pdf)) {
    if (annotations.length > 0) dictionary.set('Tabs', PdfName.of('S'));
    for (const annotation of annotations)
      if (
        annotation.getName('Subtype', resolve)?.value === 'Link' &&
        !annotation.getString('Contents', resolve)?.asString()
      )
        annotation.set('Contents', PdfString.fromString(targets.describe(annotation)));
  }
  markPages(pdf);
}
