import { z } from 'zod';
import { checkedText, printable } from './check-input.ts';
import { canonicalLocale, canonicalTimezone } from './locale.ts';
import { urlProblem } from './source.ts';
import { urlPatternField } from './url-pattern-field.ts';

/** Bounds of {@link PAGE_FIELDS}. */
const PAGE_BOUNDS = {
  tags: 100,
  /** characters of a tag's content */
  tagContent: 1_000_000,
  /** characters of `waitForFunction.fn` */
  functionText: 100_000,
  patterns: 50,
  /** milliseconds between two tries of `waitForFunction` */
  polling: { min: 10, max: 60_000 },
} as const;

/** By puppeteer's name of a resource type: what Chromium calls it where requests are rejected. */
export const REJECTED_TYPES = {
  document: ['Document'],
  stylesheet: ['Stylesheet'],
  image: ['Image'],
  media: ['Media'],
  texttrack: ['Media'],
  font: ['Font'],
  script: ['Script', 'Other'], // those of workers are others
  xhr: ['XHR'],
  fetch: ['XHR'],
  eventsource: ['XHR'],
  ping: ['Ping'],
} as const;

export type RejectedType = keyof typeof REJECTED_TYPES;

/** The media features that can be set, and taken back for the next document; `forced-colors` cannot. */
const MEDIA_FEATURES = {
  'prefers-color-scheme': ['light', 'dark'],
  'prefers-reduced-motion': ['reduce', 'no-preference'],
  'prefers-reduced-transparency': ['reduce', 'no-preference'],
  'prefers-contrast': ['more', 'less', 'custom', 'no-preference'],
  'color-gamut': ['srgb', 'p3', 'rec2020'],
} as const;

type FeatureName = keyof typeof MEDIA_FEATURES;
const FEATURE_NAMES = Object.keys(MEDIA_FEATURES) as FeatureName[];
const TYPE_NAMES = Object.keys(REJECTED_TYPES) as RejectedType[];

const LOCALE = 'allowed: a language tag (BCP 47) such as de-DE or en';
const TIMEZONE = 'allowed: a time zone (IANA) such as Europe/Berlin';

/** An absolute URL, or one that is relative to the document's. */
const tagUrl = checkedText((text) => (URL.canParse(text) ? urlProblem(text) : relativeProblem(text)), 8192);

function relativeProblem(text: string): string | undefined {
  return text !== '' && URL.canParse(text, 'http://base.invalid') ? undefined : 'allowed: a URL';
}

const content = z.string().min(1).max(PAGE_BOUNDS.tagContent);

const mediaFeature = z
  .strictObject({
    name: z.enum(FEATURE_NAMES, `allowed: ${FEATURE_NAMES.join(', ')}`),
    value: z.string().max(50).meta({ example: 'dark' }),
  })
  .superRefine(({ name, value }, context) => {
    const values: readonly string[] = MEDIA_FEATURES[name];
    if (!values.includes(value))
      context.addIssue({ code: 'custom', path: ['value'], message: `allowed for ${name}: ${values.join(', ')}` });
  })
  .meta({ id: 'MediaFeature' });

/** Fields of a request about the page that its document is in: what is added to it, loaded there and waited for. */
export const PAGE_FIELDS = {
  locale: checkedText((tag) => (canonicalLocale(tag) ? undefined : LOCALE), 100)
    .optional()
    .meta({
      description:
        'Language of scripts and of `Accept-Language`. Default: the first language of an `Accept-Language` among `setExtraHTTPHeaders`, or en-US',
      example: 'de-DE',
    }),
  timezone: checkedText((name) => (canonicalTimezone(name) ? undefined : TIMEZONE), 100)
    .optional()
    .meta({ description: 'Time zone of scripts; default: the worker’s', example: 'Europe/Berlin' }),
  addStyleTag: z
    .array(z.strictObject({ content: content.optional(), url: tagUrl.optional() }).meta({ id: 'StyleTag' }))
    .max(PAGE_BOUNDS.tags)
    .optional()
    .describe('Style sheets that are added, in this order, to the loaded document; each has `content` or a `url`'),
  addScriptTag: z
    .array(
      z
        .strictObject({
          content: content.optional(),
          url: tagUrl.optional(),
          type: printable(100)
            .optional()
            .meta({ description: 'Of the script element, such as `module`', example: 'module' }),
          id: printable(200).optional().describe('Of the script element'),
        })
        .meta({ id: 'ScriptTag' }),
    )
    .max(PAGE_BOUNDS.tags)
    .optional()
    .describe(
      'Scripts that run, in this order, in the loaded document, after `addStyleTag` and before the waits; each has `content` or a `url`',
    ),
  waitForFunction: z
    .strictObject({
      fn: z.string().min(1).max(PAGE_BOUNDS.functionText).meta({
        description: 'An expression, or a function without parameters, which may be async',
        example: '() => document.images.length > 3',
      }),
      polling: z
        .union(
          [z.enum(['raf', 'mutation']), z.int().min(PAGE_BOUNDS.polling.min).max(PAGE_BOUNDS.polling.max)],
          `allowed: raf, mutation, or milliseconds from ${PAGE_BOUNDS.polling.min} to ${PAGE_BOUNDS.polling.max}`,
        )
        .optional()
        .describe('Milliseconds between two tries; `raf` (the default) and `mutation` are every 50 ms'),
      timeout: z.int().min(0).max(300_000).optional().describe('Milliseconds; default and with 0: 30000'),
      strict: z
        .boolean()
        .optional()
        .describe('Fail at once if it throws, or if it is anything but true or false, such as undefined'),
    })
    .meta({ id: 'WaitForFunction' })
    .optional()
    .describe(
      'Waits, after `waitForSelector`, until this is true in the document. One that throws is not true yet, unless it is `strict`',
    ),
  rejectResourceTypes: z
    .array(z.enum(TYPE_NAMES, `allowed: ${TYPE_NAMES.join(', ')}`))
    .max(TYPE_NAMES.length)
    .optional()
    .describe(
      'What the document does not load; `document` is what it has in frames. `xhr`, `fetch` and `eventsource` are one. The document itself is always loaded, and what is rejected is no failed resource',
    ),
  rejectRequestPattern: z
    .array(urlPatternField)
    .max(PAGE_BOUNDS.patterns)
    .optional()
    .meta({
      description:
        'URLs that the document does not load: `*` stands for any characters, all others for themselves, and the whole URL is compared (no regular expression). The document itself is always loaded',
      example: ['*://*.example.com/*', '*/tracking.js*'],
    }),
  authenticate: z
    .strictObject({ username: printable(500), password: printable(500) })
    .meta({ id: 'Credentials' })
    .optional()
    .describe('HTTP authentication for the origin of `url`, when it asks; sent to no other'),
  bestAttempt: z
    .boolean()
    .default(false)
    .describe(
      'If loading or a wait takes too long, print what is there. `incomplete` of the job says so. Loading and waits end then a quarter of `timeoutMs` (at most 10 s) before its end',
    ),
  emulateMediaFeatures: z
    .array(mediaFeature)
    .max(FEATURE_NAMES.length)
    .optional()
    .describe('What media queries of the document find, such as `prefers-color-scheme`'),
  failOnConsoleError: z
    .union([z.boolean(), z.literal('exceptions')], 'allowed: true, false or exceptions')
    .default(false)
    .describe(
      'Fail the job if a script of the document logs an error to the console or throws what nothing catches; `exceptions`: only if it throws',
    ),
  singlePage: z
    .boolean()
    .default(false)
    .describe(
      'One page, as wide as the paper and as high as the content, up to 200 inches. With `landscape` it is as wide as the content, if that is wider. Page breaks and `@page` sizes do not count',
    ),
};

type PageFields = z.output<z.ZodObject<typeof PAGE_FIELDS>> & { url?: unknown; setJavaScriptEnabled: boolean };

/** Calls `refuse` for each field that does not fit the others. */
export function checkPageFields(body: PageFields, refuse: (path: PropertyKey[], message: string) => void): void {
  for (const field of ['addStyleTag', 'addScriptTag'] as const)
    for (const [index, { content: text, url }] of (body[field] ?? []).entries())
      if ((text === undefined) === (url === undefined)) refuse([field, index], 'required: either content or url');
  if (body.addScriptTag && !body.setJavaScriptEnabled)
    refuse(['addScriptTag'], 'no script runs without setJavaScriptEnabled');
  if (body.authenticate && body.url === undefined)
    refuse(['authenticate'], 'allowed with url only: no other document has an origin that asks');
}
