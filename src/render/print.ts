import type { Protocol } from 'puppeteer';
import type { PdfBytes } from '../domain/outcome.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { marginInches, paperSize } from '../domain/print-fields.ts';
import { isServedHost } from '../egress/served-origin.ts';
import { CodedError } from '../kernel/errors.ts';
import { isBrowserError } from './browser-error.ts';
import { countPages } from './page-count.ts';
import { readStream } from './read-stream.ts';
import type { Tab } from './tab.ts';

export interface PdfCaps {
  maxBytes: number;
  maxPages: number;
}

export type PrintedPdf = Pick<PdfBytes, 'chunks' | 'size' | 'sha256'>;

/** Prints the page. @throws CodedError if the options do not fit the document or the PDF is larger than allowed */
export async function printPdf(
  { session, page }: Tab,
  options: PrintSettings['options'],
  caps: PdfCaps,
): Promise<PrintedPdf> {
  const isForced = options.landscape && !options.preferCSSPageSize;
  if (isForced) await session.send('Runtime.evaluate', { expression: forceLandscape(options) });
  if (options.omitBackground)
    await session.send('Emulation.setDefaultBackgroundColorOverride', { color: { r: 0, g: 0, b: 0, a: 0 } });
  try {
    const { stream } = await session.send('Page.printToPDF', printParameters(options, page.url()));
    return await readStream(session, stream ?? '', { what: 'PDF', maxBytes: caps.maxBytes });
  } catch (error) {
    throw asCodedError(error, options);
  } finally {
    if (isForced) session.send('Runtime.evaluate', { expression: UNFORCE_LANDSCAPE }).catch(() => undefined);
    if (options.omitBackground)
      await session.send('Emulation.setDefaultBackgroundColorOverride').catch(() => undefined);
  }
}

/**
 * Sets the paper size in landscape by a style sheet, since in Chromium an `@page` rule with a size in the document,
 * also for named pages, overrides the `landscape` option.
 */
function forceLandscape(options: PrintSettings['options']): string {
  const { width, height } = paperSize(options);
  return `{
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('@page { size: ${height}in ${width}in !important }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }`;
}

const UNFORCE_LANDSCAPE = 'document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1)';

/** Without content Chromium would print its own template, with the date and the document's title. */
function template(html: string | undefined, documentUrl: string): string {
  const content = html?.trim() ? html : '<span></span>';
  // A document of `html` has no URL to show, nor has one at an origin of ours.
  const hasUrl = !documentUrl.startsWith('about:') && !isServedHost(new URL(documentUrl).hostname);
  return hasUrl ? content : `<style>.url{display:none!important}</style>${content}`;
}

function printParameters(options: PrintSettings['options'], documentUrl: string): Protocol.Page.PrintToPDFRequest {
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
    generateTaggedPDF: options.tagged || options.outline, // Chromium makes the outline from the tags
    generateDocumentOutline: options.outline,
  };
}

function asCodedError(error: unknown, options: PrintSettings['options']): unknown {
  const cause = { cause: error };
  if (isBrowserError(error, 'page ranges'))
    return new CodedError(
      'page_ranges_invalid',
      `options.pageRanges: ${JSON.stringify(options.pageRanges)} fits no page of the document`,
      cause,
    );
  if (isBrowserError(error, 'margins'))
    return new CodedError('print_failed', 'options.margin: the margins leave no room on the paper', cause);
  return error;
}

/** Adds the number of pages. @throws CodedError `too_many_pages` */
export function describePdf(printed: PrintedPdf, { maxPages }: PdfCaps): PdfBytes {
  const pages = countPages(printed.chunks);
  if (pages === 0) throw new Error('what the browser printed is not a PDF');
  if (pages > maxPages)
    throw new CodedError(
      'too_many_pages',
      `the PDF has ${pages} pages; allowed: ${maxPages}, or fewer of them with options.pageRanges`,
    );
  return { ...printed, pages };
}
