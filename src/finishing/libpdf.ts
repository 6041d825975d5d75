import { type PDF, type PdfObject, PdfRef } from '@libpdf/core';

/**
 * The library that edits PDFs. It hangs on some hostile files, so it is given nothing but what Chromium or qpdf wrote.
 * Only the processes of steps load it: it takes 250 ms.
 */
export { HttpTimestampAuthority, P12Signer, PDF, PdfArray, PdfBool, PdfDict, PdfName, PdfNull, PdfNumber, type PdfObject, PdfRef, PdfStream, PdfString, measureText } from '@libpdf/core'; // prettier-ignore

// Its documents find objects by the identity of references, and it remembers the last 20,000 only: in a document with
// more, what was added is not found again, and what was read twice is written twice.
Object.defineProperty(PdfRef, 'cache', { value: new Map() });

/** Before the first PDF of a job: references of the jobs before are no longer remembered. */
export const forgetReferences = (): void => PdfRef.clearCache();

/**
 * What was registered in a new document, which forgets it: it has the references only. What the document itself has
 * from the start stays.
 */
export function takeObjects(document: PDF): { ref: PdfRef; object: PdfObject }[] {
  const { newObjects } = document.context.registry as unknown as { newObjects: Map<PdfRef, PdfObject> };
  const { trailer } = document.context.info;
  const own = new Set([trailer.getRef('Root'), trailer.getRef('Info'), document.getCatalog().getRef('Pages')]);
  const taken = [...newObjects].flatMap(([ref, object]) => (own.has(ref) ? [] : [{ ref, object }]));
  for (const { ref } of taken) newObjects.delete(ref);
  return taken;
}
