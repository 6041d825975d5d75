import { z } from 'zod';
import type { FieldProblem } from '../kernel/errors.ts';
import { fieldProblems, textProblem, withoutNulls } from './check-input.ts';
import { headerNameProblem, originProblem } from './extra-headers.ts';
import { canonicalLocale, canonicalTimezone } from './locale.ts';
import { pageRangesProblem } from './page-ranges.ts';
import { PRIORITY_NAMES } from './priority.ts';

/** Bounds of a request, in one place because the README, OpenAPI and the checks all show them. */
export const REQUEST_BOUNDS = {
  /** bytes of a request body */
  bodyBytes: 10 * 1024 * 1024,
  /** milliseconds */
  timeoutMs: { min: 1_000, max: 300_000, default: 60_000 },
  metadataEntries: 50,
  extraHeaders: 50,
  headerOrigins: 50,
} as const;

const TOO_MUCH_METADATA = `allowed: at most ${REQUEST_BOUNDS.metadataEntries} entries`;
const METADATA_VALUE = `allowed: a string of at most 500 characters, a number (whole ones up to ${Number.MAX_SAFE_INTEGER}), a boolean or null`;
const TOO_MANY_HEADERS = `allowed: at most ${REQUEST_BOUNDS.extraHeaders} headers`;

/** Width and height in inches, as puppeteer has them. */
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

const PAPER_FORMATS = [
  'Letter',
  'Legal',
  'Tabloid',
  'Ledger',
  'A0',
  'A1',
  'A2',
  'A3',
  'A4',
  'A5',
  'A6',
  'letter',
  'legal',
  'tabloid',
  'ledger',
  'a0',
  'a1',
  'a2',
  'a3',
  'a4',
  'a5',
  'a6',
] as const;

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
      error: `Invalid length; ${allowed}`,
    })
    .refine((value) => inches(value) >= minInches && inches(value) <= MAX_LENGTH_INCHES, {
      error: `Invalid length; ${allowed}`,
    })
    .meta({ description: 'Pixels, or a number with `px`, `in`, `cm` or `mm`', example: '20mm' });
}

const template = z.string().max(100_000).meta({
  description:
    'HTML; elements of class `date`, `title`, `url`, `pageNumber`, `totalPages` are filled in (`url` not with `html`). Without one, or with an empty one, nothing is printed there',
});

const pdfOptions = z
  .strictObject({
    format: z.enum(PAPER_FORMATS).default('Letter').meta({ description: 'Paper; `width` and `height` win over it' }),
    width: length(0.1).optional(),
    height: length(0.1).optional(),
    margin: z
      .strictObject({
        top: length(0).optional(),
        right: length(0).optional(),
        bottom: length(0).optional(),
        left: length(0).optional(),
      })
      .optional(),
    landscape: z.boolean().default(false).meta({
      description: 'The paper lies, whatever `@page` says; unless `preferCSSPageSize` lets `@page` choose',
    }),
    scale: z.number().min(0.1).max(2).default(1),
    printBackground: z.boolean().default(true),
    displayHeaderFooter: z.boolean().default(false),
    headerTemplate: template.optional(),
    footerTemplate: template.optional(),
    pageRanges: z
      .string()
      .max(1_000, { abort: true })
      .superRefine(checkedBy(pageRangesProblem))
      .optional()
      .meta({ description: 'All pages if empty', example: '1-5, 8' }),
    preferCSSPageSize: z.boolean().default(false),
    omitBackground: z.boolean().default(false),
    tagged: z
      .boolean()
      .default(false)
      .meta({ description: 'Accessible structure; files grow, up to 16 times for large tables' }),
    outline: z.boolean().default(false).meta({ description: 'Bookmarks from the headings' }),
  })
  .prefault({});

const milliseconds = z.int().min(0).max(REQUEST_BOUNDS.timeoutMs.max);

const waitUntil = z.enum(['load', 'domcontentloaded', 'networkidle0', 'networkidle2']);

// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const printable = /^[^\u0000-\u001f\u007f]*$/;

/** A longer one is not parsed. */
const address = z.string().max(8192, { abort: true }).superRefine(checkedBy(urlProblem));

const headerName = z.string().superRefine(checkedBy(headerNameProblem));
const origin = z.string().max(300, { abort: true }).superRefine(checkedBy(originProblem));

const cookie = z.strictObject({
  name: z.string().min(1).max(4096).regex(printable, 'allowed: no control characters'),
  value: z.string().max(4096).regex(printable, 'allowed: no control characters'),
  url: address.optional(),
  domain: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[\w.-]+$/, 'allowed: a host name')
    .optional(),
  path: z.string().max(1024).regex(/^\//, 'allowed: a path that starts with /').optional(),
  secure: z.boolean().optional(),
  httpOnly: z.boolean().optional(),
  sameSite: z.enum(['Strict', 'Lax', 'None']).optional(),
  expires: z.number().optional().meta({ description: 'Seconds since 1970' }),
});

/** JSON may have more digits than a number here keeps: the last of them would be another when it is shown. */
function isKeptAsItIs(value: number): boolean {
  return !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 1e21;
}

export const pdfRequestSchema = z
  .strictObject({
    html: z
      .string()
      .min(1, 'must not be empty')
      .optional()
      .meta({ description: 'The document itself. Either this or `url`' }),
    url: address.optional().meta({
      description: 'Where the document is: http or https, without user name and password. Either this or `html`',
      format: 'uri',
    }),
    options: pdfOptions,
    gotoOptions: z
      .strictObject({
        waitUntil: z
          .union([waitUntil, z.array(waitUntil).min(1).max(4)], {
            error: 'allowed: load, domcontentloaded, networkidle0, networkidle2, or a list of them',
          })
          .default('load'),
        timeout: milliseconds.optional(),
      })
      .prefault({}),
    waitForSelector: z
      .strictObject({
        selector: z.string().min(1).max(2_000),
        timeout: milliseconds.optional(),
        visible: z.boolean().optional(),
        hidden: z.boolean().optional(),
      })
      .optional(),
    waitForTimeout: milliseconds.optional().meta({ description: 'Milliseconds to wait before printing' }),
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
      .optional(),
    cookies: z.array(cookie).max(100).optional(),
    setExtraHTTPHeaders: z
      .record(headerName, z.string().max(8192).regex(printable, 'allowed: no control characters'))
      .refine((headers) => Object.keys(headers).length <= REQUEST_BOUNDS.extraHeaders, TOO_MANY_HEADERS)
      .optional()
      .meta({ description: 'Sent along with requests to the origins of `extraHTTPHeadersTo`, and to no other' }),
    extraHTTPHeadersTo: z
      .union([z.enum(['origin', 'all']), z.array(origin).min(1).max(REQUEST_BOUNDS.headerOrigins)], {
        error: 'allowed: origin, all, or a list of origins such as ["https://cdn.example.com"]',
      })
      .optional()
      .meta({
        description:
          'Where `setExtraHTTPHeaders` go: `origin`, which is the default, is scheme, host and port of `url`, and nowhere for `html`; `all` is wherever the document leads; a list is these origins and no other',
      }),
    userAgent: z.string().min(1).max(1_000).regex(printable, 'allowed: no control characters').optional(),
    locale: z
      .string()
      .max(100, { abort: true })
      .refine((tag) => canonicalLocale(tag) !== undefined, 'allowed: a language tag (BCP 47) such as de-DE or en')
      .optional()
      .meta({
        description:
          'What scripts format dates and numbers by, and `Accept-Language`. Unless given: the first language of an `Accept-Language` among `setExtraHTTPHeaders`, or en-US',
        example: 'de-DE',
      }),
    timezone: z
      .string()
      .max(100, { abort: true })
      .refine((name) => canonicalTimezone(name) !== undefined, 'allowed: a time zone (IANA) such as Europe/Berlin')
      .optional()
      .meta({ description: 'Time zone of scripts; the worker’s own unless given', example: 'Europe/Berlin' }),
    setJavaScriptEnabled: z.boolean().default(true),
    filename: z
      .string()
      .min(1)
      .max(200)
      .regex(printable, 'allowed: no control characters')
      .regex(/^[^/\\]*$/, 'allowed: a file name without / and \\')
      .regex(
        /^[^\p{Bidi_Control}\u0080-\u009f\u2028\u2029]*$/u,
        'allowed: no control characters, nor those that turn the direction of text',
      )
      .optional(),
    metadata: z
      .record(
        z.string().min(1).max(100),
        z
          .union([z.string().max(500), z.number(), z.boolean(), z.null()], METADATA_VALUE)
          .refine((value) => typeof value !== 'number' || isKeptAsItIs(value), METADATA_VALUE),
      )
      .refine((value) => Object.keys(value).length <= REQUEST_BOUNDS.metadataEntries, TOO_MUCH_METADATA)
      .default({})
      .meta({ description: 'Yours: kept with the job, shown with it, not looked at' }),
    timeoutMs: z
      .int()
      .min(REQUEST_BOUNDS.timeoutMs.min)
      .max(REQUEST_BOUNDS.timeoutMs.max)
      .default(REQUEST_BOUNDS.timeoutMs.default)
      .meta({ description: 'Milliseconds for the whole rendering' }),
    failOnStatus: z
      .boolean()
      .default(true)
      .meta({ description: 'A main document that answers 400 or more fails the job' }),
    failOnResourceError: z
      .boolean()
      .default(false)
      .meta({ description: 'A subresource that does not load fails the job' }),
    priority: z
      .enum(PRIORITY_NAMES)
      .optional()
      .meta({ description: "Lower than your tier's, if you like; never higher" }),
  })
  .superRefine((body, context) => {
    if (body.html !== undefined && body.url !== undefined) {
      context.addIssue({ code: 'custom', path: ['url'], message: 'allowed: either html or url, not both' });
    }
    if (body.html === undefined && body.url === undefined) {
      context.addIssue({ code: 'custom', path: ['html'], message: 'required: either html or url' });
    }
    if (body.html !== undefined && body.extraHTTPHeadersTo === 'origin') {
      context.addIssue({
        code: 'custom',
        path: ['extraHTTPHeadersTo'],
        message: 'html has no origin; allowed with it: all, or a list of origins',
      });
    }
    for (const [index, { url, domain }] of (body.cookies ?? []).entries()) {
      if (body.url === undefined && url === undefined && domain === undefined) {
        context.addIssue({
          code: 'custom',
          path: ['cookies', index, 'domain'],
          message: 'required with html: a domain or a url',
        });
      }
    }
  })
  .meta({ id: 'PdfRequest', description: 'null is the same as absent, but for the values of `metadata`' });

/** What to print and how, with every default filled in. Exactly one of `html` and `url` is there. */
export type PdfRequest = z.output<typeof pdfRequestSchema>;

/** Inches of the paper: what `width` and `height` leave open comes from `format`. */
export function paperSize({ format, width, height }: PdfRequest['options']): { width: number; height: number } {
  const [formatWidth, formatHeight] = PAPER_SIZES[format.toLowerCase() as keyof typeof PAPER_SIZES];
  return {
    width: width === undefined ? formatWidth : inches(width),
    height: height === undefined ? formatHeight : inches(height),
  };
}

/** Inches of each margin; none unless asked for. */
export function marginInches({
  margin = {},
}: PdfRequest['options']): Record<'top' | 'right' | 'bottom' | 'left', number> {
  const { top = 0, right = 0, bottom = 0, left = 0 } = margin;
  return { top: inches(top), right: inches(right), bottom: inches(bottom), left: inches(left) };
}

/** What is wrong with a document's address, or undefined if it may be loaded: http or https, no userinfo. */
export function urlProblem(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'allowed: an absolute http or https URL';
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `allowed: http and https, not ${url.protocol}`;
  if (url.username !== '' || url.password !== '') return 'allowed: a URL without user name and password';
  return undefined;
}

/** @param problem what is wrong with a text, if anything is */
function checkedBy(problem: (text: string) => string | undefined) {
  return (text: string, context: z.core.$RefinementCtx) => {
    const message = problem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  };
}

/** `sent` is what came, without any default: what does not change with a release. */
export type ParsedRequest = { ok: true; request: PdfRequest; sent: unknown } | { ok: false; fields: FieldProblem[] };

/** Checks parsed JSON against {@link pdfRequestSchema} and names every field that is wrong. */
export function parsePdfRequest(json: unknown): ParsedRequest {
  const problem = textProblem(json) ?? crowdProblem(json);
  if (problem) return { ok: false, fields: [problem] };
  const sent = withoutNulls(pdfRequestSchema, json);
  const parsed = pdfRequestSchema.safeParse(sent);
  if (parsed.success) return { ok: true, request: parsed.data, sent };
  return { ok: false, fields: fieldProblems(parsed.error, pdfRequestSchema) };
}

/** The schema says the same, but only after it has looked at each of thousands of entries. */
function crowdProblem(json: unknown): FieldProblem | undefined {
  const { metadata, setExtraHTTPHeaders } = (json ?? {}) as Record<string, unknown>;
  const hasMore = (value: unknown, most: number) =>
    typeof value === 'object' && value !== null && Object.keys(value).length > most;
  if (hasMore(metadata, REQUEST_BOUNDS.metadataEntries)) return { field: 'metadata', message: TOO_MUCH_METADATA };
  if (hasMore(setExtraHTTPHeaders, REQUEST_BOUNDS.extraHeaders))
    return { field: 'setExtraHTTPHeaders', message: TOO_MANY_HEADERS };
  return undefined;
}
