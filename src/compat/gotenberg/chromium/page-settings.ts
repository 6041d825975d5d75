import type { Fields } from '../fields.ts';
import { readCookies } from './cookies.ts';
import { readExtraHeaders } from './extra-headers.ts';
import { failingStatuses, hostsOf } from './failing.ts';
import { readMediaFeatures } from './media-features.ts';
import { waitForTrue } from './wait-for-true.ts';

/** Milliseconds of a wait, at most. */
const LONGEST_MS = 300_000;

/** How a page is loaded and what is waited for, in a request of ours. */
export interface PageSettings {
  settings: Record<string, unknown>;
  omitBackground: boolean;
}

/** What the caller calls fields of {@link PageSettings}. */
export const PAGE_FIELDS: Readonly<Record<string, string>> = {
  failOnStatus: 'failOnHttpStatusCodes',
  'failOnResourceError.statuses': 'failOnResourceHttpStatusCodes',
  'failOnResourceError.ignore': 'ignoreResourceHttpStatusDomains',
  failOnConsoleError: 'failOnConsoleExceptions',
  waitForTimeout: 'waitDelay',
  waitForFunction: 'waitForExpression',
  waitForSelector: 'waitForSelector',
  cookies: 'cookies',
  userAgent: 'userAgent',
  setExtraHTTPHeaders: 'extraHttpHeaders',
  emulateMediaType: 'emulatedMediaType',
  emulateMediaFeatures: 'emulatedMediaFeatures',
};

/** Reads the fields that every page has, in Gotenberg's order. @param timeoutMs that the whole request may take */
export function readPageSettings(fields: Fields, { timeoutMs }: { timeoutMs: number }): PageSettings {
  const waitMs = Math.min(timeoutMs, LONGEST_MS);
  const skipsIdle = fields.boolean('skipNetworkIdleEvent') ?? true;
  const skipsAlmostIdle = fields.boolean('skipNetworkAlmostIdleEvent') ?? true;
  const failOnStatus = failingStatuses(fields, 'failOnHttpStatusCodes') ?? ['4xx', '5xx'];
  const statuses = failingStatuses(fields, 'failOnResourceHttpStatusCodes');
  const ignore = hostsOf(fields, 'ignoreResourceHttpStatusDomains');
  const unreachable = fields.boolean('failOnResourceLoadingFailed') ?? false;
  const failsOnExceptions = fields.boolean('failOnConsoleExceptions') ?? false;
  const delayMs = fields.milliseconds('waitDelay') ?? 0;
  const expression = fields.text('waitForExpression');
  const selector = fields.text('waitForSelector');
  const cookies = readCookies(fields);
  const userAgent = fields.text('userAgent');
  const headers = readExtraHeaders(fields);
  const media = fields.choice('emulatedMediaType', ['screen', 'print']);
  const features = readMediaFeatures(fields);
  const omitBackground = fields.boolean('omitBackground') ?? false;
  const idle = skipsIdle ? (skipsAlmostIdle ? undefined : 'networkidle2') : 'networkidle0';
  const settings = {
    gotoOptions: { waitUntil: idle ?? 'load', timeout: waitMs },
    failOnStatus,
    ...((statuses || unreachable) && {
      failOnResourceError: { ...(statuses && { statuses }), unreachable, ...(ignore && { ignore }) },
    }),
    ...(failsOnExceptions && { failOnConsoleError: 'exceptions' }),
    ...(delayMs > 0 && { waitForTimeout: Math.min(Math.ceil(delayMs), LONGEST_MS) }),
    ...(expression !== undefined && {
      waitForFunction: { fn: waitForTrue(expression), polling: 100, strict: true, timeout: waitMs },
    }),
    ...(selector !== undefined && { waitForSelector: { selector, visible: true, timeout: waitMs } }),
    ...(cookies && { cookies }),
    ...(userAgent !== undefined && { userAgent }),
    ...(headers && { setExtraHTTPHeaders: headers, extraHTTPHeadersTo: 'all' }),
    ...(media && { emulateMediaType: media }),
    ...(features && { emulateMediaFeatures: features }),
  };
  return { settings, omitBackground };
}
