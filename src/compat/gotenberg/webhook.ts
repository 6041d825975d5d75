import { METHODS } from '../../domain/delivery-target.ts';
import { MAX_FIELDS } from '../../domain/report.ts';
import { ERROR_CODES, type ErrorCode } from '../../kernel/errors.ts';
import type { Conversion, Refusal } from '../conversion.ts';
import { refused } from './fields.ts';
import { errorAnswer } from './statuses.ts';

const RESULT_URL = 'Gotenberg-Webhook-Url';
const ERROR_URL = 'Gotenberg-Webhook-Error-Url';
const EVENTS_URL = 'Gotenberg-Webhook-Events-Url';
const METHOD = 'Gotenberg-Webhook-Method';
const ERROR_METHOD = 'Gotenberg-Webhook-Error-Method';
const EXTRA = 'Gotenberg-Webhook-Extra-Http-Headers';

/** Headers that the content decides, whatever a caller says. */
const OF_CONTENT = new Set(['content-type', 'content-length']);

/** What else is sent along. */
interface WebhookAbout {
  /** the id of the request; also the `correlationId` of events */
  trace: string;
  /** of the caller, W3C */
  traceparent?: string | undefined;
}

/** What the headers of a request ask to be sent when its result is there. */
export interface Webhook {
  /** of a request of ours */
  upload: { url: string; reports: { on: string }[] } & Record<string, unknown>;
  /** which header each field of ours is from */
  fields: Record<string, string>;
  /** every address, by the name of its header */
  urls: Record<string, string>;
}

/**
 * Reads the headers by which a caller wants the result sent somewhere instead of answered.
 * @param header the value of a header, a character for each byte
 * @returns undefined: it does not, whatever the other headers are
 * @throws CodedError `invalid_request` that names every header that is wrong
 */
export function webhookOf(header: (name: string) => string | undefined, about: WebhookAbout): Webhook | undefined {
  const [url, errorUrl, eventsUrl] = [RESULT_URL, ERROR_URL, EVENTS_URL].map((name) => header(name) || undefined);
  if (url === undefined) return undefined;
  const refusals: Refusal[] = [];
  if (errorUrl === undefined && eventsUrl === undefined)
    refusals.push({
      field: ERROR_URL,
      message: `required with ${RESULT_URL}: an address for errors, or ${EVENTS_URL}`,
    });
  const methodOf = (name: string) => {
    const given = header(name) || 'POST';
    const method = METHODS.find((each) => each === given.toUpperCase());
    if (!method) refusals.push({ field: name, message: 'allowed: POST, PUT, PATCH' });
    return method;
  };
  const method = methodOf(METHOD);
  const errorMethod = methodOf(ERROR_METHOD);
  const extra = extraHeaders(header(EXTRA));
  if (!extra) refusals.push({ field: EXTRA, message: 'allowed: a JSON object whose values are texts' });
  if (refusals.length > 0) throw refused(refusals);

  const headers = withOwn(extra ?? {}, about);
  const failure = { status: '{status}', message: '{message}' };
  const event = (name: string) => ({
    event: name,
    correlationId: about.trace.replaceAll('{', '{{'),
    timestamp: '{timestamp}',
  });
  const reports = [
    ...(errorUrl === undefined
      ? []
      : [{ on: 'failed', url: errorUrl, method: errorMethod, headers, body: failure, statuses: STATUSES }]),
    ...(eventsUrl === undefined
      ? []
      : [
          { on: 'delivered', url: eventsUrl, method: 'POST', headers, body: event('webhook.success') },
          { on: 'failed', url: eventsUrl, method: 'POST', headers, body: { ...event('webhook.error'), error: failure }, statuses: STATUSES }, // prettier-ignore
        ]),
  ];
  const names = reports.map((report) => (report.url === errorUrl && report.body === failure ? ERROR_URL : EVENTS_URL));
  return {
    upload: { url, method, headers, disposition: 'attachment', reports },
    fields: {
      'upload.url': RESULT_URL,
      'upload.headers': EXTRA,
      ...Object.fromEntries(
        names.flatMap((name, at) => [
          [`upload.reports[${at}].url`, name],
          [`upload.reports[${at}].headers`, EXTRA],
        ]),
      ),
    },
    urls: {
      [RESULT_URL]: url,
      ...(errorUrl !== undefined && { [ERROR_URL]: errorUrl }),
      ...(eventsUrl !== undefined && { [EVENTS_URL]: eventsUrl }),
    },
  };
}

/** A translated request whose result is sent instead of answered. @throws CodedError if it has no file */
export function sentTo({ toAnswer, ...conversion }: Conversion & { toAnswer?: unknown }, webhook: Webhook): Conversion {
  if (toAnswer !== undefined)
    throw refused([
      { field: RESULT_URL, message: 'this route answers JSON and makes no file; allowed without this header' },
    ]);
  const { request, fields = {}, naming } = conversion;
  const named = { fields: Object.fromEntries(Object.entries(fields).slice(0, MAX_FIELDS)) };
  return {
    ...conversion,
    // Not the ids of the request, which are new whenever it is sent, and go along.
    sameAs: { request, urls: webhook.urls },
    request: {
      ...request,
      filename: naming.name,
      upload: {
        ...webhook.upload,
        reports: webhook.upload.reports.map((each) => ({ ...each, ...(each.on === 'failed' && named) })),
      },
    },
    fields: { ...fields, ...webhook.fields, filename: 'Gotenberg-Output-Filename' },
  };
}

/** What stands for each of our codes there. */
const STATUSES: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    (Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => [code, errorAnswer({ code, message: '' }, ERROR_CODES[code].status).status]), // prettier-ignore
  ),
  upload_failed: 500,
  job_cancelled: 500,
};

/** @returns undefined if it is not what is allowed */
function extraHeaders(json = ''): Record<string, string> | undefined {
  if (json === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(json, 'latin1').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  return Object.values(value).every((each) => typeof each === 'string') ? (value as Record<string, string>) : undefined;
}

/** The caller's headers; those of the content and of the trace are ours. */
function withOwn(extra: Record<string, string>, { trace, traceparent }: WebhookAbout): Record<string, string> {
  const own = { 'Gotenberg-Trace': trace, ...(traceparent !== undefined && { traceparent }) };
  const ours = new Set([...OF_CONTENT, ...Object.keys(own).map((name) => name.toLowerCase())]);
  const given = Object.entries(extra).filter(([name]) => !ours.has(name.toLowerCase()));
  const hasAgent = given.some(([name]) => name.toLowerCase() === 'user-agent');
  return { ...(!hasAgent && { 'User-Agent': 'Gotenberg' }), ...Object.fromEntries(given), ...own };
}
