import { describe, expect, it } from 'vitest';
import { sentTo, webhookOf } from '../../src/compat/gotenberg/webhook.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { CodedError } from '../../src/kernel/errors.ts';

const A = 'https://a.example/file';
const ERRORS = { 'Gotenberg-Webhook-Error-Url': 'https://a.example/error' };
const about = { trace: 'a-trace' };
const read = (headers: Record<string, string>, more = {}) => webhookOf((name) => headers[name], { ...about, ...more });
const asked = (headers: Record<string, string> = {}, more = {}) =>
  read({ 'Gotenberg-Webhook-Url': A, ...ERRORS, ...headers }, more);
const refusal = (headers: Record<string, string>) => {
  try {
    read(headers);
    return undefined;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    expect(error.code).toBe('invalid_request');
    return error.fields?.map(({ field, message }) => `${field}: ${message}`);
  }
};
const conversion = { request: { html: 'x' }, naming: { name: 'invoice' } };

describe('the headers of a webhook', () => {
  it('are none without an address for the result', () => {
    for (const headers of [
      {},
      ERRORS,
      { ...ERRORS, 'Gotenberg-Webhook-Url': '', 'Gotenberg-Webhook-Method': 'DELETE' },
    ])
      expect(read(headers)).toBeUndefined();
  });

  it('become an upload with reports, which is a valid request of ours', () => {
    const webhook = asked({ 'Gotenberg-Webhook-Events-Url': 'https://a.example/events' }, { traceparent: 'tp' });
    const headers = { 'User-Agent': 'Gotenberg', 'Gotenberg-Trace': 'a-trace', traceparent: 'tp' };
    const failure = { status: '{status}', message: '{message}' };
    const of = { correlationId: 'a-trace', timestamp: '{timestamp}' };
    expect(webhook?.upload).toMatchObject({ url: A, method: 'POST', headers, disposition: 'attachment' });
    expect(webhook?.upload.reports).toMatchObject([
      { on: 'failed', url: 'https://a.example/error', method: 'POST', headers, body: failure },
      { on: 'delivered', url: 'https://a.example/events', method: 'POST', body: { event: 'webhook.success', ...of } },
      { on: 'failed', url: 'https://a.example/events', body: { event: 'webhook.error', ...of, error: failure } },
    ]);
    const statuses = { navigation_failed: 400, resource_failed: 409, render_timeout: 503, egress_denied: 403, upload_failed: 500 }; // prettier-ignore
    expect(webhook?.upload.reports).toMatchObject([{ statuses }, {}, { statuses }]);
    const parsed = parsePdfRequest(sentTo(conversion, webhook as NonNullable<typeof webhook>).request);
    expect(parsed).toMatchObject({
      ok: true,
      request: { filename: 'invoice', deliveries: { upload: webhook?.upload } },
    });
    expect(webhook?.urls).toEqual({ 'Gotenberg-Webhook-Url': A, ...ERRORS, 'Gotenberg-Webhook-Events-Url': 'https://a.example/events' }); // prettier-ignore
  });

  it.each([
    ['put', 'PUT'],
    ['PATCH', 'PATCH'],
    ['Post', 'POST'],
    ['', 'POST'],
  ])('may say the method as %j', (given, method) => {
    const upload = asked({ 'Gotenberg-Webhook-Method': given, 'Gotenberg-Webhook-Error-Method': given })?.upload;
    expect(upload).toMatchObject({ method, reports: [{ method }] });
  });

  it('may have others, which replace all but those of the content and the trace', () => {
    const extra = { 'X-Foo': 'bar', 'content-disposition': 'inline', 'user-agent': 'Mine', 'Content-Type': 'a/b', 'gotenberg-trace': 'no', 'Content-Length': '1' }; // prettier-ignore
    const wanted = {
      'X-Foo': 'bar',
      'content-disposition': 'inline',
      'user-agent': 'Mine',
      'Gotenberg-Trace': 'a-trace',
    };
    const upload = asked({ 'Gotenberg-Webhook-Extra-Http-Headers': JSON.stringify(extra) })?.upload;
    expect(upload?.headers).toEqual(wanted);
    expect(upload?.reports).toMatchObject([{ headers: wanted }]);
    expect(asked({ 'Gotenberg-Webhook-Extra-Http-Headers': 'null' })?.upload.headers).toMatchObject({ 'User-Agent': 'Gotenberg' }); // prettier-ignore
  });

  it('have an id of their request that is never taken for something else', () => {
    const upload = asked({ 'Gotenberg-Webhook-Events-Url': A }, { trace: 'a{message}{' })?.upload;
    expect(upload?.reports).toMatchObject([{}, { body: { correlationId: 'a{{message}{{' } }, {}]);
    const parsed = parsePdfRequest({ html: 'x', upload });
    expect(parsed.ok).toBe(true);
  });

  it('are refused by their names, all at once', () => {
    expect(refusal({ 'Gotenberg-Webhook-Url': A })).toEqual([
      expect.stringMatching(/^Gotenberg-Webhook-Error-Url: required with Gotenberg-Webhook-Url: .*Gotenberg-Webhook-Events-Url$/), // prettier-ignore
    ]);
    const all = { 'Gotenberg-Webhook-Method': 'GET', 'Gotenberg-Webhook-Error-Method': 'DELETE', 'Gotenberg-Webhook-Extra-Http-Headers': '{' }; // prettier-ignore
    expect(refusal({ 'Gotenberg-Webhook-Url': A, ...all })?.map((line) => line.split(':')[0])).toEqual([
      'Gotenberg-Webhook-Error-Url',
      ...Object.keys(all),
    ]);
    for (const extra of ['x', '[]', '7', '"x"', '{"a":1}', '{"a":null}', '{"a":["b"]}', '{"a":{}}'])
      expect(refusal({ 'Gotenberg-Webhook-Url': A, ...ERRORS, 'Gotenberg-Webhook-Extra-Http-Headers': extra })).toHaveLength(1); // prettier-ignore
  });

  it('name what our own request refuses', () => {
    const bad = asked({
      'Gotenberg-Webhook-Url': 'ftp://a.example',
      'Gotenberg-Webhook-Error-Url': 'nowhere',
      'Gotenberg-Webhook-Extra-Http-Headers': '{"Host":"b"}',
    });
    const { request, fields = {} } = sentTo(conversion, bad as NonNullable<typeof bad>);
    const parsed = parsePdfRequest(request);
    const wrong = parsed.ok ? [] : parsed.fields.map(({ field }) => field);
    expect(wrong.length).toBeGreaterThan(2);
    for (const field of wrong)
      expect([field, Object.keys(fields).some((path) => field === path || field.startsWith(`${path}.`))]).toEqual([field, true]); // prettier-ignore
  });

  it('become valid however many files a form has', () => {
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`parts[${at}].pdf`, `files`]));
    const { request } = sentTo({ ...conversion, fields }, asked() as NonNullable<ReturnType<typeof asked>>);
    expect(parsePdfRequest(request)).toMatchObject({ ok: true });
  });

  it('are refused by a route that makes no file', () => {
    const webhook = asked() as NonNullable<ReturnType<typeof asked>>;
    expect(() => sentTo({ ...conversion, toAnswer: () => ({}) }, webhook)).toThrow(/^Gotenberg-Webhook-Url: .*JSON/);
  });
});
