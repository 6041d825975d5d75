import { nearest } from '../../kernel/nearest.ts';
import { type Conversion, MAX_REFUSALS, type Refusal } from '../conversion.ts';
import { translateCookies } from './cookies.ts';
import { isJsonObject, type JsonObject, type Refuse, setMembers } from './json-object.ts';
import { translatePdfOptions } from './pdf-options.ts';
import { translatePictureOptions } from './picture-options.ts';
import { REFUSED_FIELDS } from './refused.ts';
import { MAX_EXPRESSION, urlPatternsOf } from './request-pattern.ts';
import { translateResourceTypes } from './resource-types.ts';
import { translateWaits } from './waits.ts';

/** What a route answers with. */
export type Endpoint = 'pdf' | 'screenshot' | 'content';

/** A translated body. */
export interface TranslatedBody extends Conversion {
  /** whether the answer is text, in base64 */
  isBase64: boolean;
}

/** Fields with the same name and meaning in a request of ours. */
const SAME = ['url', 'html', 'addScriptTag', 'addStyleTag', 'authenticate', 'bestAttempt', 'gotoOptions', 'setJavaScriptEnabled', 'viewport', 'waitForSelector', 'waitForTimeout'] as const; // prettier-ignore
const TRANSLATED = ['cookies', 'emulateMediaType', 'setExtraHTTPHeaders', 'userAgent', 'waitForFunction', 'waitForEvent', 'rejectRequestPattern', 'rejectResourceTypes', 'allowResourceTypes'] as const; // prettier-ignore
/** As many as a request may have. */
const MAX_PATTERNS = 50;
/** One limit is enough: that of the whole request. */
const WITHOUT_EFFECT = ['actionTimeout'] as const;
/** browserless has the options of both under one name, Cloudflare each under its own. */
const OF_ENDPOINT: Record<Endpoint, readonly string[]> = {
  pdf: ['options', 'pdfOptions'],
  screenshot: ['options', 'screenshotOptions', 'selector', 'scrollPage'],
  content: [],
};
const NAMES: Record<Endpoint, string> = { pdf: 'document', screenshot: 'screenshot', content: 'content' };

/**
 * A body of browserless or Cloudflare as a request of ours, with their defaults. What only a request can know to be
 * wrong, is left to it.
 * @param viewport what the page has if the body does not say
 */
export function translateBody(
  endpoint: Endpoint,
  body: JsonObject,
  { viewport }: { viewport?: { width: number; height: number } | undefined } = {},
): { conversion: TranslatedBody; refusals: Refusal[] } {
  const refusals: Refusal[] = [];
  const refuse: Refuse = (field, message) => {
    if (refusals.length < MAX_REFUSALS) refusals.push({ field, message });
  };
  const given = setMembers(body);
  refuseUnknown(endpoint, given, refuse);
  if (Boolean(given.url) === Boolean(given.html)) refuse(given.url ? 'html' : 'url', 'required: either url or html');
  const optionsAt = OF_ENDPOINT[endpoint].filter((name) => name.endsWith('ptions') && given[name] !== undefined);
  const [at = 'options', another] = optionsAt;
  if (another !== undefined) refuse(another, `allowed without ${at}`);
  const picture =
    endpoint === 'screenshot' ? translatePictureOptions(given[at], given.selector, at, refuse) : undefined;
  const request = {
    ...(viewport && { viewport }),
    ...Object.fromEntries(SAME.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]]))),
    ...translateLoading(given, refuse),
    ...translateWaits(given, refuse),
    ...(endpoint === 'pdf' && translatePdfOptions(given[at], at, refuse)),
    ...(picture && { output: picture.output }),
    ...(endpoint === 'content' && { output: 'html' }),
    failOnStatus: false, // theirs print a page of an error as any other
  };
  const fields = {
    options: at,
    output: at,
    'output.selector': 'selector',
    singlePage: `${at}.fullPage`,
    ...(given.allowResourceTypes !== undefined && { rejectResourceTypes: 'allowResourceTypes' }),
  };
  const naming = { name: NAMES[endpoint] };
  return { conversion: { request, fields, naming, isBase64: picture?.isBase64 ?? false }, refusals };
}

function refuseUnknown(endpoint: Endpoint, given: JsonObject, refuse: Refuse): void {
  const known = [...SAME, ...TRANSLATED, ...WITHOUT_EFFECT, ...OF_ENDPOINT[endpoint]];
  const others = Object.keys(given).filter((name) => !known.includes(name));
  for (const name of others.slice(0, MAX_REFUSALS)) {
    const near = nearest(name, known);
    const unknown = `unknown field${near === undefined ? `; allowed: ${known.join(', ')}` : `; did you mean ${near}?`}`;
    refuse(name, (Object.hasOwn(REFUSED_FIELDS, name) ? REFUSED_FIELDS[name] : undefined) ?? unknown);
  }
}

/** Fields about what is loaded, and how. */
function translateLoading(given: JsonObject, refuse: Refuse): JsonObject {
  const { cookies, emulateMediaType, setExtraHTTPHeaders: headers, userAgent, rejectRequestPattern: patterns } = given;
  return {
    ...(cookies !== undefined && { cookies: translateCookies(cookies) }),
    ...(emulateMediaType !== undefined && emulateMediaType !== '' && { emulateMediaType }),
    // Theirs go with every request, whatever its origin.
    ...(headers !== undefined && { setExtraHTTPHeaders: headers, extraHTTPHeadersTo: 'all' }),
    ...(userAgent !== undefined && { userAgent: userAgentOf(userAgent, refuse) }),
    ...(patterns !== undefined && { rejectRequestPattern: translatePatterns(patterns, refuse) }),
    ...translateResourceTypes(given, refuse),
  };
}

/** Newer versions of Puppeteer have it in an object. */
function userAgentOf(given: unknown, refuse: Refuse): unknown {
  if (!isJsonObject(given)) return given;
  const { userAgent, ...others } = setMembers(given);
  for (const name of Object.keys(others).slice(0, MAX_REFUSALS)) refuse(`userAgent.${name}`, 'allowed: userAgent only');
  return userAgent;
}

/** Stops where there are too many: each expression may become many patterns. */
function translatePatterns(given: unknown, refuse: Refuse): unknown {
  if (!Array.isArray(given)) return given;
  const all: unknown[] = [];
  for (const [index, expression] of (given as unknown[]).entries()) {
    const patterns = typeof expression === 'string' ? urlPatternsOf(expression) : [expression];
    all.push(...(patterns ?? []));
    if (index >= MAX_PATTERNS || all.length > MAX_PATTERNS) {
      refuse('rejectRequestPattern', `allowed: at most ${MAX_PATTERNS} patterns; (a|b) and a? are two`);
      return undefined;
    }
    if (!patterns)
      refuse(
        `rejectRequestPattern[${index}]`,
        `this regular expression cannot be used here; allowed: texts, .* for any characters, (a|b), ^ and $, at most ${MAX_EXPRESSION} characters; or * for any characters, as in *.css`,
      );
  }
  return all;
}
