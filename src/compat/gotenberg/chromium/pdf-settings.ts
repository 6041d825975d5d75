import type { SentFile } from '../../conversion.ts';
import type { Fields } from '../fields.ts';

/** What the caller calls fields of `options`. */
export const PDF_FIELDS: Readonly<Record<string, string>> = {
  'options.width': 'paperWidth',
  'options.height': 'paperHeight',
  'options.margin.top': 'marginTop',
  'options.margin.bottom': 'marginBottom',
  'options.margin.left': 'marginLeft',
  'options.margin.right': 'marginRight',
  'options.scale': 'scale',
  'options.pageRanges': 'nativePageRanges',
  'options.headerTemplate': 'header.html',
  'options.footerTemplate': 'footer.html',
};

const PAPER = { width: 8.5, height: 11 };
const MARGIN = 0.39;

/** How a page is printed, before its header and footer are read. */
export interface PdfSettings {
  options: Record<string, unknown>;
  singlePage: boolean;
  printBackground: boolean;
}

/** Reads how a page is printed, in Gotenberg's order. */
export function readPdfSettings(fields: Fields): PdfSettings {
  const landscape = fields.boolean('landscape') ?? false;
  const printBackground = fields.boolean('printBackground') ?? false;
  const scale = fields.number('scale') ?? 1;
  const singlePage = fields.boolean('singlePage') ?? false;
  const width = inches(fields.inches('paperWidth') ?? PAPER.width);
  const height = inches(fields.inches('paperHeight') ?? PAPER.height);
  const [top, bottom, left, right] = (['Top', 'Bottom', 'Left', 'Right'] as const).map((side) =>
    inches(fields.inches(`margin${side}`) ?? MARGIN),
  );
  const preferCSSPageSize = fields.boolean('preferCssPageSize') ?? false;
  const pageRanges = singlePage ? '1' : fields.text('nativePageRanges');
  const outline = fields.boolean('generateDocumentOutline') ?? false;
  const tagged = fields.boolean('generateTaggedPdf') ?? false;
  return {
    options: {
      width,
      height,
      margin: { top, bottom, left, right },
      landscape,
      printBackground,
      scale,
      preferCSSPageSize,
      ...(pageRanges !== undefined && { pageRanges }),
      outline,
      // Nothing, instead of false, lets PDF/UA bring them.
      ...((tagged || outline) && { tagged: true }),
    },
    singlePage,
    printBackground,
  };
}

/** A number of inches as a length of ours. What is no length of ours stays one that is refused by its name. */
const inches = (value: number) => `${Number.isFinite(value) ? Number(value.toFixed(6)) : value}in`;

/**
 * Gotenberg prints colours as the page has them, whether backgrounds are asked for or not; without them only the page
 * itself has none.
 */
export function colorStyle(printBackground: boolean): string {
  const exact = 'html { print-color-adjust: exact !important }';
  return printBackground ? exact : `${exact}\nhtml, body { background: none !important }`;
}

/** Header and footer are whole documents, in files of these names. */
export async function headerAndFooter(files: readonly SentFile[]): Promise<Record<string, unknown>> {
  const text = async (name: string) => files.findLast((file) => file.name === name)?.text();
  const headerTemplate = await text('header.html');
  const footerTemplate = await text('footer.html');
  if (headerTemplate === undefined && footerTemplate === undefined) return {};
  return {
    displayHeaderFooter: true,
    ...(headerTemplate !== undefined && { headerTemplate }),
    ...(footerTemplate !== undefined && { footerTemplate }),
  };
}
