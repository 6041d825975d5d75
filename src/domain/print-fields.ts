import { z } from 'zod';
import { checkedText, NOT_PRINTABLE, PRINTABLE } from './check-input.ts';
import { hostRuleProblem } from './host-rule.ts';
import { headerNameProblem, originProblem } from './extra-headers.ts';
import { failingResources } from './failing-resource.ts';
import { failingStatuses } from './failing-status.ts';
import { PAGE_FIELDS } from './page-fields.ts';
import { pageRangesProblem } from './page-ranges.ts';
import { urlText } from './source.ts';
import { urlPatternField } from './url-pattern-field.ts';

/** Bounds of a request, for the schema, the documentation and the checks. */
export const REQUEST_BOUNDS = {
  /** bytes of a request body */
  bodyBytes: 10 * 1024 * 1024,
  /** milliseconds */
  timeoutMs: { min: 1_000, max: 300_000, default: 60_000 },
  metadataEntries: 50,
  extraHeaders: 50,
  headerOrigins: 50,
  parts: 500,
  /** of all parts together: files that they share are counted for each */
  partFiles: 10_000,
} as const;

/** Width and height in inches, as puppeteer defines them. */
const PAPER_SIZES = {
  letter: [8.5, 11],
  legal: [8.5, 14],
  tabloid: [11, 17],
  ledger: [17, 11],
  a0: [33.1102, 46.811],
  a1: [23.3858, 33.1102],
  a2: [16.5354, 23.3858],
  a3: [11.6929, 16.5354],
  a4: [8.2677, 11.6929],
  a5: [5.8268, 8.2677],
  a6: [4.1339, 5.8268],
} as const;

type Paper = keyof typeof PAPER_SIZES;
const PAPERS = Object.keys(PAPER_SIZES) as Paper[];
const capitalized = (paper: Paper) => (paper.charAt(0).toUpperCase() + paper.slice(1)) as Capitalize<Paper>;

const UNITS_PER_INCH = { px: 96, in: 1, cm: 2.54, mm: 25.4 } as const;

/** Inches of a length such as `"10mm"`, `"1in"`, `"96px"` or `96` (pixels). */
function inches(length: string | number): number {
  const match = /^([\d.]+)(px|in|cm|mm)?$/.exec(String(length));
  if (!match) return Number.NaN;
  return Number(match[1]) / UNITS_PER_INCH[(match[2] ?? 'px') as keyof typeof UNITS_PER_INCH];
}

const MAX_LENGTH_INCHES = 200;

function length(minInches: number) {
  const allowed = `allowed: pixels as a number, or a number with px, in, cm or mm, up to ${MAX_LENGTH_INCHES}in`;
  return z
    .union([z.number(), z.string().regex(/^\d{1,6}(\.\d{1,6})?(px|in|cm|mm)?$/, allowed)], {
      error: allowed,
    })
    .refine((value) => inches(value) >= minInches && inches(value) <= MAX_LENGTH_INCHES, allowed)
    .meta({ description: 'Pixels, or a number with `px`, `in`, `cm` or `mm`', example: '20mm' })
    .optional();
}

/** A string without control characters. */
export function line(minLength: number, maxLength: number) {
  const text = z.string().max(maxLength).regex(PRINTABLE, NOT_PRINTABLE);
  return minLength === 0 ? text : text.min(minLength);
}

/** Characters: its pictures are in it. */
const MAX_TEMPLATE = 1_000_000;

const template = z
  .string()
  .max(MAX_TEMPLATE)
  .describe(
    'HTML; elements of class `date`, `title`, `url`, `pageNumber`, `totalPages` are filled in (`url` not with `html`). Without one, or with an empty one, that margin stays empty',
  )
  .optional();

const pdfOptions = z
  .strictObject({
    format: z
      .enum([...PAPERS.map(capitalized), ...PAPERS])
      .default('Letter')
      .describe('Size of the paper, unless `width` and `height` are set; with markdown A4 if not given'),
    width: length(0.1),
    height: length(0.1),
    margin: z
      .strictObject({ top: length(0), right: length(0), bottom: length(0), left: length(0) })
      .meta({ id: 'Margin' })
      .optional(),
    landscape: z
      .boolean()
      .default(false)
      .describe('Landscape paper; a size from `@page` with `preferCSSPageSize` has precedence'),
    scale: z.number().min(0.1).max(2).default(1),
    printBackground: z.boolean().default(true),
    displayHeaderFooter: z.boolean().default(false),
    headerTemplate: template,
    footerTemplate: template,
    pageRanges: checkedText(pageRangesProblem, 1_000)
      .optional()
      .meta({ description: 'All pages if empty', example: '1-5, 8' }),
    preferCSSPageSize: z.boolean().default(false),
    omitBackground: z.boolean().default(false),
    tagged: z.boolean().default(false).describe('Accessible structure; files grow, up to 16 times for large tables'),
    outline: z.boolean().default(false).describe('Bookmarks from the headings'),
  })
  .meta({ id: 'PdfOptions' })
  .prefault({});

const milliseconds = z.int().min(0).max(REQUEST_BOUNDS.timeoutMs.max);

const waitUntil = z.enum(['load', 'domcontentloaded', 'networkidle0', 'networkidle2']);

const cookie = z
  .strictObject({
    name: line(1, 4096),
    value: line(0, 4096),
    url: urlText.optional(),
    domain: z
      .string()
      .min(1)
      .max(255)
      .regex(/^(?:[\w.-]+|\[[\da-f:.]+\])$/i, 'allowed: a host name or an IP address, without scheme and port')
      .optional(),
    path: z.string().max(1024).regex(/^\//, 'allowed: a path that starts with /').optional(),
    secure: z.boolean().optional(),
    httpOnly: z.boolean().optional(),
    sameSite: z.enum(['Strict', 'Lax', 'None']).optional(),
    expires: z.number().optional().describe('Seconds since 1970'),
  })
  .meta({ id: 'Cookie' });

const headerValue = line(0, 8192);

/** Fields of a request about how a document is printed. */
export const PRINT_FIELDS = {
  markdownOptions: z
    .strictObject({
      allowHtml: z
        .boolean()
        .default(false)
        .describe('Whether HTML in markdown is HTML; otherwise it is printed as text'),
      styleSheet: z.string().max(1_000_000).optional().describe('CSS instead of ours'),
    })
    .meta({ id: 'MarkdownOptions' })
    .optional()
    .describe('For `markdown` and `index.md`'),
  options: pdfOptions,
  gotoOptions: z
    .strictObject({
      waitUntil: z
        .union(
          [waitUntil, z.array(waitUntil).min(1).max(4)],
          'allowed: load, domcontentloaded, networkidle0, networkidle2, or a list of them',
        )
        .default('load'),
      timeout: milliseconds.optional(),
    })
    .meta({ id: 'GotoOptions' })
    .prefault({}),
  waitForSelector: z
    .strictObject({
      selector: z.string().min(1).max(2_000),
      timeout: milliseconds.optional(),
      visible: z.boolean().optional(),
      hidden: z.boolean().optional(),
    })
    .meta({ id: 'WaitForSelector' })
    .optional(),
  waitForTimeout: milliseconds.optional().describe('Milliseconds to wait before printing'),
  emulateMediaType: z.enum(['screen', 'print']).optional(),
  viewport: z
    .strictObject({
      width: z.int().min(1).max(10_000),
      height: z.int().min(1).max(10_000),
      deviceScaleFactor: z.number().min(0.1).max(10).optional(),
      isMobile: z.boolean().optional(),
      isLandscape: z.boolean().optional(),
      hasTouch: z.boolean().optional(),
    })
    .meta({ id: 'Viewport' })
    .optional(),
  cookies: z.array(cookie).max(100).optional(),
  setExtraHTTPHeaders: z
    .record(
      checkedText(headerNameProblem),
      z.union(
        [
          headerValue,
          z
            .strictObject({
              value: headerValue,
              urls: z.union([urlPatternField, z.array(urlPatternField).min(1).max(50)]).optional(),
              hosts: z.array(checkedText(hostRuleProblem, 300)).min(1).max(50).optional(),
            })
            .refine(({ urls, hosts }) => urls !== undefined || hosts !== undefined, 'required: urls, hosts, or both')
            .meta({ id: 'BoundHeader' }),
        ],
        'allowed: text, or an object with value, urls, hosts',
      ),
    )
    .optional()
    .meta({
      description:
        'Sent with requests to the origins of `extraHTTPHeadersTo`, and to no others. One with `urls` is sent with requests whose URL fits this pattern instead, or one of a list, as in `rejectRequestPattern`; with `hosts`: to these hosts and their subdomains',
      example: { 'X-Tenant': 'a', Authorization: { value: 'Bearer …', urls: 'https://cdn.example.com/*' } },
    }),
  extraHTTPHeadersTo: z
    .union(
      [z.enum(['origin', 'all']), z.array(checkedText(originProblem, 300)).min(1).max(REQUEST_BOUNDS.headerOrigins)],
      'allowed: origin, all, or a list of origins such as ["https://cdn.example.com"]',
    )
    .optional()
    .describe(
      'The origins that `setExtraHTTPHeaders` are sent to: `origin` (the default): scheme, host and port of `url`, and none with `html`; `all`: every origin; a list: these origins',
    ),
  userAgent: line(1, 1_000).optional(),
  setJavaScriptEnabled: z.boolean().default(true),
  ...PAGE_FIELDS,
  failOnStatus: z
    .union([z.boolean(), failingStatuses], 'allowed: true, false, or a list of statuses such as ["4xx", 503]')
    .default(true)
    .describe(
      'Fail the job if the main document has a status of 400 or more, or with a list: one of these, which may be numbers and ranges such as `4xx` and `500-599`',
    ),
  failOnResourceError: failingResources.describe(
    'Fail the job if a subresource cannot be loaded, or with an object: if one fails as that says. The error lists them',
  ),
};

type PrintOptions = z.output<typeof pdfOptions>;

/** Inches of the paper; `format` is the default for `width` and `height`. */
export function paperSize({ format, width, height }: PrintOptions): { width: number; height: number } {
  const [formatWidth, formatHeight] = PAPER_SIZES[format.toLowerCase() as Paper];
  return {
    width: width === undefined ? formatWidth : inches(width),
    height: height === undefined ? formatHeight : inches(height),
  };
}

/** Inches of each margin; the default is 0. */
export function marginInches({ margin = {} }: PrintOptions): Record<'top' | 'right' | 'bottom' | 'left', number> {
  const { top = 0, right = 0, bottom = 0, left = 0 } = margin;
  return { top: inches(top), right: inches(right), bottom: inches(bottom), left: inches(left) };
}
