/**
 * The library that edits PDFs. It hangs on some hostile files, so it is given nothing but what Chromium or qpdf wrote.
 * Only the processes of steps load it: it takes 250 ms.
 */
export { PDF, PdfArray, PdfBool, PdfDict, PdfName, PdfNull, PdfNumber, type PdfObject, PdfRef, PdfStream, PdfString } from '@libpdf/core'; // prettier-ignore
