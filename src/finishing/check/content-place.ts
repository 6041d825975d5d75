import type { PdfDictionary } from './pdf-value.ts';

/** A stream that is walked. */
export interface ContentPlace {
  content: Uint8Array;
  resources: PdfDictionary | undefined;
  /** undefined: of nothing that is on a page, such as an appearance that no page shows */
  page: number | undefined;
  /** key of the page, or of the form, in the tree of parents */
  structParents: number | undefined;
}
