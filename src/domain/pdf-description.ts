import type { CustomProperty } from './finishing.ts';

/** What a job with the output `json` makes, as JSON. */
export interface PdfDescriptions {
  /** of each part, in order */
  files: PdfDescription[];
}

/** What is in a PDF. */
export interface PdfDescription {
  /** of the request, from 0 */
  part: number;
  /** as the part says it; null: it does not */
  filename: string | null;
  pages: number;
  /** as they are shown, cropped and turned; points */
  pageSizes: { width: number; height: number }[];
  /** of PDF: `1.7` */
  version: string;
  isEncrypted: boolean;
  isSigned: boolean;
  /** whether it has fields that can be filled in */
  hasForm: boolean;
  /** named as in `finishing.properties`; absent: it does not say */
  properties: PdfProperties;
  bookmarks: DescribedBookmark[];
  attachments: DescribedAttachment[];
  /** what it says that it is, such as `PDF/A-3b`; whether that is so is not checked */
  conformance: string[];
  /** what it says of the invoice in it; null: nothing */
  facturx: { level: string; documentType: string | null; version: string | null } | null;
}

export interface PdfProperties {
  title?: string;
  author?: string;
  subject?: string;
  keywords?: string[];
  creator?: string;
  producer?: string;
  /** ISO 8601, with the time zone of the PDF */
  created?: string;
  modified?: string;
  trapped?: string;
  language?: string;
  /** all others, of Info and of XMP, by their names */
  custom?: Record<string, CustomProperty>;
}

export interface DescribedBookmark {
  title: string;
  /** from 1; null: it leads to no page of the PDF */
  page: number | null;
  children?: DescribedBookmark[];
}

export interface DescribedAttachment {
  name: string;
  mediaType: string | null;
  /** bytes, unpacked */
  size: number;
  /** lower-case hex */
  sha256: string;
  description: string | null;
  relationship: string | null;
}
