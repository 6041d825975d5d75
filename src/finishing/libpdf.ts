import { PdfRef } from '@libpdf/core';

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
