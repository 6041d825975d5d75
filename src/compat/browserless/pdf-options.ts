import { isJsonObject, type JsonObject, type Refuse, setMembers } from './json-object.ts';

/** What Puppeteer prints if its caller does not say. */
const DEFAULTS = { printBackground: false, tagged: true };

/** What the browser has in the margins if it is asked for headers and footers and is given none. */
const MARGIN_STYLE = 'font-size:8px;width:100%;display:flex;justify-content:space-between;margin:0 24px';
const HEADER = `<div style="${MARGIN_STYLE}"><span class="date"></span><span class="title"></span><span></span></div>`;
const FOOTER = `<div style="${MARGIN_STYLE}"><span class="url"></span><span><span class="pageNumber"></span>/<span class="totalPages"></span></span></div>`;

/** Options of Puppeteer that change nothing here: fonts are always waited for, and the whole request has a limit. */
const WITHOUT_EFFECT = ['timeout', 'waitForFonts'];

/**
 * Puppeteer's options of a PDF as fields of a request: `options` and `singlePage`.
 * @param at where the caller has them, such as `pdfOptions`
 */
export function translatePdfOptions(given: unknown, at: string, refuse: Refuse): JsonObject {
  if (given !== undefined && !isJsonObject(given)) return { options: given };
  const { path, fullPage, ...known } = setMembers(given ?? {});
  if (path !== undefined) refuse(`${at}.path`, 'nothing is saved here; allowed: nothing, the answer is the PDF');
  if (fullPage === true && (known.height !== undefined || known.format !== undefined))
    refuse(`${at}.fullPage`, 'allowed without height and format');
  for (const name of WITHOUT_EFFECT) delete known[name];
  const { format, width, height, margin, headerTemplate, footerTemplate, ...others } = known;
  const { displayHeaderFooter } = others;
  const options = {
    ...DEFAULTS,
    ...others,
    ...(format !== undefined && format !== '' ? { format: lowerCase(format) } : sides({ width, height })), // in Puppeteer a format has precedence
    ...(margin !== undefined && { margin: isJsonObject(margin) ? sides(margin) : margin }),
    ...(displayHeaderFooter === true && {
      headerTemplate: headerTemplate === undefined || headerTemplate === '' ? HEADER : headerTemplate,
      footerTemplate: footerTemplate === undefined || footerTemplate === '' ? FOOTER : footerTemplate,
    }),
  };
  return { options, ...(fullPage !== undefined && { singlePage: fullPage }) };
}

const lowerCase = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value);

/** Lengths as Puppeteer reads them: `" .5 IN"` is `0.5in`. */
function sides(lengths: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(setMembers(lengths)).map(([side, length]) => [side, toLength(length)]));
}

function toLength(length: unknown): unknown {
  if (typeof length !== 'string') return length;
  return length.replaceAll(' ', '').toLowerCase().replace(/^\./, '0.');
}
