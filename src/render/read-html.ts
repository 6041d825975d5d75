import { HTML_TYPE } from '../domain/media-type.ts';
import type { PdfBytes } from '../domain/outcome.ts';
import { readStream } from './read-stream.ts';
import type { Tab } from './tab.ts';

/** The document as a blob of UTF-8: the browser hands that over in pieces. What is beside the root is a doctype or a comment. */
const AS_BLOB = `new Blob([...document.childNodes].map((node) =>
  node === document.documentElement ? node.outerHTML : new XMLSerializer().serializeToString(node)))`;

/** The HTML of the page as it is now. @throws CodedError `pdf_too_large` */
export async function readHtml({ session, frameId }: Tab, { maxBytes }: { maxBytes: number }): Promise<PdfBytes> {
  // There scripts of the document have changed none of what is used.
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId });
  const { result } = await session.send('Runtime.evaluate', { expression: AS_BLOB, contextId: executionContextId });
  const { objectId = '' } = result;
  const { uuid } = await session.send('IO.resolveBlob', { objectId });
  const html = await readStream(session, `blob:${uuid}`, { what: 'HTML', maxBytes });
  await session.send('Runtime.releaseObject', { objectId });
  return { ...html, pages: 1, type: HTML_TYPE };
}
