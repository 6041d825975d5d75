import { createHash } from 'node:crypto';
import type { CDPSession, Page, Protocol } from 'puppeteer';
import type { FailedResource, RenderTimings } from '../domain/job.ts';
import type { RenderedPdf } from '../domain/outcome.ts';
import { marginInches, paperSize, type PdfRequest } from '../domain/pdf-request.ts';
import { CodedError } from '../kernel/errors.ts';
import { isAbout } from './chromium-errors.ts';
import { countPages } from './page-count.ts';

/** What a PDF may be. */
export interface PdfCaps {
  maxBytes: number;
  maxPages: number;
}

/** Bytes asked for at a time: most PDFs come in one piece, none is in memory as base64 in whole. */
const PIECE_BYTES = 1024 * 1024;

/** A PDF as it came from the browser, in pieces. */
type PrintedPdf = Pick<RenderedPdf, 'chunks' | 'size' | 'sha256'>;

/** Prints what the page shows now. @throws CodedError if the options do not fit it, or it is larger than allowed */
export async function printPdf(
  { session, page }: { session: CDPSession; page: Page },
  options: PdfRequest['options'],
  caps: PdfCaps,
): Promise<PrintedPdf> {
  const isTurned = options.landscape && !options.preferCSSPageSize;
  if (isTurned) await session.send('Runtime.evaluate', { expression: turnPages(options) });
  if (options.omitBackground)
    await session.send('Emulation.setDefaultBackgroundColorOverride', { color: { r: 0, g: 0, b: 0, a: 0 } });
  try {
    const { stream } = await session.send('Page.printToPDF', printParameters(options, page.url()));
    return await readPieces(session, stream ?? '', caps.maxBytes);
  } catch (error) {
    throw asCodedError(error, options);
  } finally {
    if (isTurned) session.send('Runtime.evaluate', { expression: UNTURN_PAGES }).catch(() => undefined);
    if (options.omitBackground)
      await session.send('Emulation.setDefaultBackgroundColorOverride').catch(() => undefined);
  }
}

/**
 * Chromium lets an `@page` rule with a size decide which way a page lies, whatever it is told: with `landscape` the
 * paper of the request is the document's own, on its named pages too.
 */
function turnPages(options: PdfRequest['options']): string {
  const { width, height } = paperSize(options);
  return `{
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('@page { size: ${height}in ${width}in !important }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }`;
}

const UNTURN_PAGES = 'document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1)';

/** An empty one, or none, is nothing: Chromium takes its own instead, with today's date and the document's title. */
function template(html: string | undefined, documentUrl: string): string {
  const content = html?.trim() ? html : '<span></span>';
  // What came as html has no address to be shown.
  return documentUrl.startsWith('about:') ? `<style>.url{display:none!important}</style>${content}` : content;
}

function printParameters(options: PdfRequest['options'], documentUrl: string): Protocol.Page.PrintToPDFRequest {
  const { width, height } = paperSize(options);
  const margin = marginInches(options);
  return {
    transferMode: 'ReturnAsStream',
    landscape: options.landscape,
    displayHeaderFooter: options.displayHeaderFooter,
    headerTemplate: template(options.headerTemplate, documentUrl),
    footerTemplate: template(options.footerTemplate, documentUrl),
    printBackground: options.printBackground,
    scale: options.scale,
    paperWidth: width,
    paperHeight: height,
    marginTop: margin.top,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    pageRanges: options.pageRanges ?? '',
    preferCSSPageSize: options.preferCSSPageSize,
    generateTaggedPDF: options.tagged || options.outline, // Chromium makes bookmarks from the structure only
    generateDocumentOutline: options.outline,
  };
}

/** Hashed piece by piece, as they come: all at once would hold up every other document for a tenth of a second. */
async function readPieces(session: CDPSession, handle: string, maxBytes: number): Promise<PrintedPdf> {
  const chunks: Buffer[] = [];
  const hash = createHash('sha256');
  let size = 0;
  try {
    for (let isOver = false; !isOver;) {
      const { data, eof, base64Encoded } = await session.send('IO.read', { handle, size: PIECE_BYTES });
      const piece = Buffer.from(data, base64Encoded ? 'base64' : 'latin1');
      size += piece.byteLength;
      if (size > maxBytes) throw new CodedError('pdf_too_large', `the PDF is larger than ${maxBytes} bytes`);
      if (piece.byteLength > 0) chunks.push(piece);
      hash.update(piece);
      isOver = eof;
    }
  } finally {
    session.send('IO.close', { handle }).catch(() => undefined); // nobody waits for it
  }
  return { chunks, size, sha256: hash.digest('hex') };
}

function asCodedError(error: unknown, options: PdfRequest['options']): unknown {
  const cause = { cause: error };
  if (isAbout(error, 'page ranges'))
    return new CodedError(
      'page_ranges_invalid',
      `options.pageRanges: ${JSON.stringify(options.pageRanges)} fits no page of the document`,
      cause,
    );
  if (isAbout(error, 'margins'))
    return new CodedError('print_failed', 'options.margin: the margins leave no room on the paper', cause);
  return error;
}

/** The PDF with all that is told of it. @throws CodedError `too_many_pages` */
export function describePdf(
  printed: PrintedPdf,
  timings: RenderTimings,
  failedResources: FailedResource[],
  { maxPages }: PdfCaps,
): RenderedPdf {
  const pages = countPages(printed.chunks);
  if (pages === 0) throw new Error('what the browser printed is not a PDF');
  if (pages > maxPages)
    throw new CodedError(
      'too_many_pages',
      `the PDF has ${pages} pages; allowed: ${maxPages}, or fewer of them with options.pageRanges`,
    );
  return { ...printed, pages, timings, failedResources };
}
