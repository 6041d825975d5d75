import { type PDF, PdfArray, PdfDict, type PdfObject, PdfRef, PdfString } from '../libpdf.ts';

const TAG = /^[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*$/;
const DOCUMENTS = new Set(['Document', 'Part']);

/**
 * The language tag that is meant: `en-US` of `en_US.UTF-8`, and of `en-US@posix`, which Chromium writes where the
 * system has no locale. @returns undefined if none is
 */
export function languageTag(written: string): string | undefined {
  const [locale = ''] = written.split(/[@.]/, 1);
  const tag = locale.trim().replaceAll('_', '-');
  return TAG.test(tag) ? tag : undefined;
}

/** Makes language tags of the languages of the document, and of the documents that it was merged of. */
export function cureLanguages(pdf: PDF): void {
  const resolve = (ref: PdfRef) => pdf.context.resolve(ref);
  const cure = (dictionary: PdfDict) => {
    const written = dictionary.getString('Lang', resolve)?.asString();
    const language = written && languageTag(written);
    if (language && language !== written) dictionary.set('Lang', PdfString.fromString(language));
  };
  const kidsOf = (node: PdfDict): PdfObject[] => {
    const kids = node.get('K', resolve);
    return kids instanceof PdfArray ? [...kids] : kids ? [kids] : [];
  };
  const documentOf = (kid: PdfObject | undefined): PdfDict | undefined => {
    const element = kid instanceof PdfRef ? resolve(kid) : kid;
    const isDocument = element instanceof PdfDict && DOCUMENTS.has(element.getName('S')?.value ?? '');
    return isDocument ? element : undefined;
  };
  const catalog = pdf.context.catalog.getDict();
  cure(catalog);
  for (const kid of kidsOf(catalog.getDict('StructTreeRoot', resolve) ?? new PdfDict())) {
    const document = documentOf(kid);
    if (!document) continue;
    cure(document);
    const parts = kidsOf(document);
    // If the first is one, all are: other elements there are too many to look at.
    if (!documentOf(parts[0])) continue;
    for (const part of parts) {
      const found = documentOf(part);
      if (found) cure(found);
    }
  }
}
