import { extractText, getDocumentProxy } from 'unpdf';

export interface ReadPdf {
  pages: number;
  /** of each page */
  text: string[];
  /** points (1/72 inch) of the first page, rounded */
  size: [number, number];
}

/** What somebody else's PDF reader finds in the bytes. */
export async function readPdf(bytes: Uint8Array | ArrayBuffer): Promise<ReadPdf> {
  const document = await getDocumentProxy(new Uint8Array(bytes.slice(0)));
  const { text } = await extractText(document, { mergePages: false });
  const [left, bottom, right, top] = (await document.getPage(1)).view as [number, number, number, number];
  return { pages: document.numPages, text, size: [Math.round(right - left), Math.round(top - bottom)] };
}
