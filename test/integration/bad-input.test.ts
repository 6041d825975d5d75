import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { generateKey } from '../../src/accounts/key-format.ts';
import { revokeKey } from '../../src/accounts/keys.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const revoked = await service.newKey('revoked@example.com');
const [revokedRow] = await service.sql<{ id: string }[]>`
  select k.id from pdfprompt_api_key k join pdfprompt_user u on u.id = k.user_id where u.email = 'revoked@example.com'`;
await revokeKey(service.base.db, revokedRow?.id ?? '');
const bob = await service.newKey('bob@example.com');
const bobs = (
  (await (
    await service.request('/v1/jobs', { method: 'POST', key: bob, body: JSON.stringify({ html: 'x' }) })
  ).json()) as { id: string }
).id;
const unknown = '01a20b1c-7e0d-7435-94b8-d6ab64f6fe25';

const TEN_MB = 10 * 1024 * 1024;
const post = (body: unknown): Sent => ({
  method: 'POST',
  path: '/v1/jobs',
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const html = (more: object): Sent => post({ html: '<p>x</p>', ...more });

interface Sent {
  method?: string;
  path: string;
  body?: string | Buffer;
  key?: string | null;
  headers?: Record<string, string>;
  /** without Content-Length */
  chunked?: boolean;
}
interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

/** Byte by byte what is sent: fetch would correct some of it. */
function send({ method = 'GET', path, body, key = service.key, headers = {}, chunked = false }: Sent): Promise<Answer> {
  return new Promise((done, failed) => {
    const request = httpRequest(`${service.address}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined
          ? {}
          : {
              'content-type': 'application/json',
              ...(chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
            }),
        ...headers,
      },
    });
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (data: Buffer) => chunks.push(data));
      response.once('end', () =>
        done({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
      response.once('error', failed);
    });
    // Refused early, the server may close while we still send: the answer counts.
    request.once('error', (error) => setTimeout(() => failed(error), 1_000));
    if (body !== undefined && chunked) {
      const bytes = Buffer.from(body);
      for (let at = 0; at < bytes.length; at += 1_000_000) request.write(bytes.subarray(at, at + 1_000_000));
      request.end();
    } else request.end(body);
  });
}

const nested = '['.repeat(100_000) + ']'.repeat(100_000);

const table: [string, Sent, number, string, RegExp][] = [
  ['broken JSON', post('{"html": '), 400, 'invalid_json', /^\(body\): /],
  ['an empty body', post(''), 400, 'invalid_json', /^\(body\): the body is empty/],
  [
    'bytes that are not UTF-8',
    { ...post(''), body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) },
    400,
    'invalid_json',
    /^\(body\): the body is not UTF-8/,
  ],
  ['a body that is no object', post('[1, 2]'), 400, 'invalid_request', /^\(body\): allowed: an object$/],
  ['a wrong type', post({ html: 7 }), 400, 'invalid_request', /^html: allowed: text$/],
  [
    'a wrong type deep inside',
    html({ options: { margin: { top: true } } }),
    400,
    'invalid_request',
    /options\.margin\.top: .*allowed: pixels/,
  ],
  ['an unknown field', html({ colour: 'red' }), 400, 'invalid_request', /^colour: unknown field/],
  [
    'an unknown field deep inside',
    html({ options: { papier: 'A4' } }),
    400,
    'invalid_request',
    /^options\.papier: unknown field/,
  ],
  [
    'neither html nor url',
    post({}),
    400,
    'invalid_request',
    /^html: required: exactly one of html, url, markdown, template, pdf, files, parts/,
  ],
  [
    'both html and url',
    html({ url: 'http://example.com' }),
    400,
    'invalid_request',
    /^url: allowed: exactly one of html, url, markdown/,
  ],
  ['empty html', post({ html: '' }), 400, 'invalid_request', /^html: must not be empty/],
  ...[
    'file:///etc/passwd',
    'FILE:///etc/passwd',
    'view-source:file:///etc/passwd',
    'data:text/html,x',
    'chrome://version',
    'javascript:alert(1)',
    'about:blank',
  ].map((url): [string, Sent, number, string, RegExp] => [
    `the URL ${url}`,
    post({ url }),
    400,
    'invalid_request',
    /^url: allowed: http and https, not [a-z-]+:/,
  ]),
  [
    'a URL with userinfo',
    post({ url: 'http://ann:secret@example.com/' }),
    400,
    'invalid_request',
    /^url: allowed: a URL without user name and password/,
  ],
  [
    'a URL that is none',
    post({ url: 'example' }),
    400,
    'invalid_request',
    /^url: allowed: an absolute http or https URL/,
  ],
  ['a NUL byte', post({ html: 'a\0b' }), 400, 'invalid_request', /^html: allowed: text without NUL/],
  [
    'a NUL byte in metadata',
    html({ metadata: { note: '\0' } }),
    400,
    'invalid_request',
    /^metadata\.note: allowed: text without NUL/,
  ],
  ['a lone surrogate', post('{"html":"\\ud800"}'), 400, 'invalid_request', /^html: allowed: well-formed Unicode/],
  [
    'a lone surrogate in a key',
    post('{"html":"x","metadata":{"\\udfff":1}}'),
    400,
    'invalid_request',
    /^metadata\["\?"\]: allowed: well-formed Unicode/,
  ],
  [
    'scale above its range',
    html({ options: { scale: 2.1 } }),
    400,
    'invalid_request',
    /^options\.scale: allowed: 0\.1 to 2$/,
  ],
  ['a negative timeout', html({ timeoutMs: -1 }), 400, 'invalid_request', /^timeoutMs: allowed: 1000 to 300000$/],
  [
    'a number that is no integer',
    html({ viewport: { width: 1.5, height: 10 } }),
    400,
    'invalid_request',
    /^viewport\.width: allowed: a whole number, 1 to 10000/,
  ],
  [
    'a number beyond all numbers',
    post('{"html":"x","options":{"scale":1e999}}'),
    400,
    'invalid_request',
    /^options\.scale: /,
  ],
  [
    'a length beyond its range',
    html({ options: { width: '9999in' } }),
    400,
    'invalid_request',
    /^options\.width: .*up to 200in/,
  ],
  [
    'page ranges that are none',
    html({ options: { pageRanges: '1;drop table' } }),
    400,
    'invalid_request',
    /^options\.pageRanges: allowed: page numbers/,
  ],
  [
    'a header with a line break',
    html({ setExtraHTTPHeaders: { 'X-A': 'b\r\nX-C: d' } }),
    400,
    'invalid_request',
    /^setExtraHTTPHeaders\.X-A: allowed: no control characters/,
  ],
  [
    'a cookie without a place',
    html({ cookies: [{ name: 'a', value: 'b' }] }),
    400,
    'invalid_request',
    /^cookies\[0\]\.domain: required without url/,
  ],
  [
    'a cookie for a file',
    html({ cookies: [{ name: 'a', value: 'b', url: 'file:///' }] }),
    400,
    'invalid_request',
    /^cookies\[0\]\.url: allowed: http and https/,
  ],
  [
    'a filename with a path',
    html({ filename: '../../etc/passwd' }),
    400,
    'invalid_request',
    /^filename: allowed: a file name without \//,
  ],
  [
    'metadata that is nested',
    html({ metadata: { a: { b: 1 } } }),
    400,
    'invalid_request',
    /^metadata\.a: allowed: a string of at most 500/,
  ],
  ['100,000 nested arrays', post(nested), 400, 'invalid_request', /allowed: at most 32 levels of nesting/],
  [
    '100,000 nested arrays in a field',
    post(`{"html":"x","metadata":${nested}}`),
    400,
    'invalid_request',
    /^metadata.*allowed: at most 32 levels/,
  ],
  [
    'a million values',
    post(`{"html":"x","cookies":[${'0,'.repeat(1_000_000)}0]}`),
    400,
    'invalid_request',
    /^cookies: allowed: at most 20000 values/,
  ],
  [
    '10 MB and a byte',
    post(`{"html":"${'x'.repeat(TEN_MB - 10)}"}`),
    413,
    'body_too_large',
    /^\(body\): .*10485760 bytes/,
  ],
  [
    '10 MB and a byte without Content-Length',
    { ...post(`{"html":"${'x'.repeat(TEN_MB - 10)}"}`), chunked: true },
    413,
    'body_too_large',
    /^\(body\): .*10485760 bytes/,
  ],
  [
    'a gzip body',
    { ...post(''), body: gzipSync('{"html":"x"}'), headers: { 'content-encoding': 'gzip' } },
    415,
    'unsupported_media_type',
    /^Content-Encoding: "gzip" .*allowed: identity/,
  ],
  [
    'a form',
    { ...post('html=x'), headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    'unsupported_media_type',
    /^Content-Type: .*allowed: application\/json/,
  ],
  [
    'an idempotency key that is none',
    { ...html({}), headers: { 'idempotency-key': 'a b' } },
    400,
    'invalid_request',
    /^Idempotency-Key: allowed: 1 to 255/,
  ],
  ['no key', { ...html({}), key: null }, 401, 'unauthenticated', /^Authorization: an API key is required/],
  ['no key, and no body either', { path: '/v1/jobs', key: null }, 401, 'unauthenticated', /^Authorization: /],
  [
    'a key that is none',
    { ...html({}), key: 'hello' },
    401,
    'unauthenticated',
    /^Authorization: the API key is not valid/,
  ],
  [
    'a well-formed key that nobody has',
    { ...html({}), key: generateKey() },
    401,
    'unauthenticated',
    /^Authorization: the API key is not valid/,
  ],
  ['a revoked key', { ...html({}), key: revoked }, 401, 'unauthenticated', /^Authorization: the API key is not valid/],
  [
    'basic authentication',
    { ...html({}), key: null, headers: { authorization: 'Basic YTpi' } },
    401,
    'unauthenticated',
    /^Authorization: /,
  ],
  ["somebody else's job", { path: `/v1/jobs/${bobs}` }, 404, 'not_found', /^there is no such job$/],
  ["somebody else's PDF", { path: `/v1/jobs/${bobs}/pdf` }, 404, 'not_found', /^there is no such job$/],
  [
    "cancelling somebody else's job",
    { method: 'DELETE', path: `/v1/jobs/${bobs}` },
    404,
    'not_found',
    /^there is no such job$/,
  ],
  ['an unknown job', { path: `/v1/jobs/${unknown}` }, 404, 'not_found', /^there is no such job$/],
  ['an id that is none', { path: `/v1/jobs/'or 1=1--` }, 404, 'not_found', /^there is no such job$/],
  ['an id with a NUL', { path: '/v1/jobs/%00' }, 404, 'not_found', /./],
  ['a broken escape', { path: '/v1/jobs/%E0%A4%A' }, 404, 'not_found', /./],
  ['an unknown route', { path: '/v1/nothing' }, 404, 'not_found', /^there is nothing at \/v1\/nothing/],
  [
    'a route of Gotenberg',
    { method: 'POST', path: '/forms/chromium/convert/html', body: '{}' },
    404,
    'not_found',
    /; a route of Gotenberg: the operator's setting COMPAT=gotenberg answers it, or use POST \/v1\/pdf; see \/docs\/moving\.md$/,
  ],
  [
    'a route of DocRaptor',
    { method: 'POST', path: '/docs', body: '{}' },
    405,
    'method_not_allowed',
    /^POST is not allowed here; allowed: GET; a route of DocRaptor: use POST \/v1\/pdf/,
  ],
  [
    'a field of another service',
    html({ paperWidth: 8.27 }),
    400,
    'invalid_request',
    /^paperWidth: unknown field; did you mean options\.width\? \/docs\/moving\.md has the names of other services$/,
  ],
  [
    'a wrong method',
    { method: 'PUT', path: '/v1/jobs' },
    405,
    'method_not_allowed',
    /^PUT is not allowed here; allowed: POST, GET/,
  ],
  [
    'another wrong method',
    { method: 'POST', path: `/v1/jobs/${unknown}`, body: '{}' },
    405,
    'method_not_allowed',
    /allowed: GET, DELETE/,
  ],
  ['a job that has no PDF yet', { path: `/v1/jobs/${bobs}/pdf`, key: bob }, 409, 'job_not_ready', /^the job is queued/],
  [
    'a wait that is too long',
    { path: `/v1/jobs/${bobs}?wait=61`, key: bob },
    400,
    'invalid_request',
    /^wait: allowed: seconds, 0 to 60/,
  ],
  [
    'a wait that is no number',
    { path: `/v1/jobs/${bobs}?wait=soon`, key: bob },
    400,
    'invalid_request',
    /^wait: allowed: seconds/,
  ],
  [
    'an unknown status',
    { path: '/v1/jobs?status=lost' },
    400,
    'invalid_request',
    /^status: allowed: scheduled, queued, processing, /,
  ],
  ['a limit beyond its range', { path: '/v1/jobs?limit=101' }, 400, 'invalid_request', /^limit: allowed: 1 to 100/],
  ['a cursor that is none', { path: '/v1/jobs?cursor=1' }, 400, 'invalid_request', /^cursor: allowed: the nextCursor/],
  ...['wait=1e1', 'wait=0x1', 'wait=%201', 'wait=', 'wait=1.0', 'wait=+1', 'wait=-0', 'wait=%D9%A1'].map(
    (text): [string, Sent, number, string, RegExp] => [
      `a number written as ${text}`,
      { path: `/v1/jobs/${bobs}?${text}`, key: bob },
      400,
      'invalid_request',
      /^wait: allowed: seconds, 0 to 60/,
    ],
  ),
  [
    'a parameter that is there twice',
    { path: '/v1/jobs?limit=1&status=queued&limit=2' },
    400,
    'invalid_request',
    /^limit: given 2 times; allowed: once$/,
  ],
  [
    'a parameter with a slip in it',
    { path: '/v1/jobs?limt=1' },
    400,
    'invalid_request',
    /^limt: unknown field; did you mean limit\?$/,
  ],
  [
    'page ranges that run backwards',
    html({ options: { pageRanges: '1-3, 9-4' } }),
    400,
    'invalid_request',
    /^options\.pageRanges: 9-4: allowed: from the first page to the last, 4-9$/,
  ],
  [
    'a field at the wrong place',
    html({ format: 'A4' }),
    400,
    'invalid_request',
    /^format: unknown field; did you mean options\.format\?$/,
  ],
  [
    'a file name that turns the text round',
    html({ filename: 'a\u202efdp.exe' }),
    400,
    'invalid_request',
    /^filename: allowed: no control characters/,
  ],
  [
    'JSON in UTF-16',
    { ...post(''), body: Buffer.from('\ufeff{"html":"x"}', 'utf16le') },
    400,
    'invalid_json',
    /^\(body\): the body is not UTF-8/,
  ],
  ['an unknown parameter', { path: '/v1/jobs?page=2' }, 400, 'invalid_request', /^page: unknown field/],
  [
    'a preference beyond its range',
    { ...html({}), path: '/v1/pdf', headers: { prefer: 'wait=301' } },
    400,
    'invalid_request',
    /^Prefer: allowed: wait=0 to wait=300/,
  ],
];

describe('bad input', () => {
  it.each(table)('%s', async (_, sent, status, code, detail) => {
    const answer = await send(sent);
    expect(answer.text).not.toMatch(/\bat .*\.[jt]s:\d+|node_modules|select |insert |postgres/i);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const problem = JSON.parse(answer.text) as Record<string, unknown>;
    expect(problem).toMatchObject({ code, status, detail: expect.stringMatching(detail), title: expect.any(String) });
    expect(problem.requestId).toBe(answer.headers['x-request-id']);
    if (status === 405) expect(answer.headers.allow).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
    if (status === 401) expect(answer.headers['www-authenticate']).toBe('Bearer realm="pdfprompt"');
  });

  it('is refused whole: not one job of it is in the database', async () => {
    const rows = await service.sql`select 1 from pdfprompt_job where id <> ${bobs}`;
    expect(rows).toHaveLength(0);
  });

  it('of exactly 10 MB is taken', async () => {
    const answer = await send(post(`{"html":"${'x'.repeat(TEN_MB - 11)}"}`));
    expect(answer.status).toBe(202);
  });

  it.each<[string, Sent]>([
    ['a byte order mark before it', { ...post(''), body: Buffer.from('\ufeff{"html":"x"}') }],
    [
      'null for all that is not set',
      html({ url: null, options: { width: null, margin: null }, metadata: { a: null } }),
    ],
    ['no page ranges', html({ options: { pageRanges: '' } })],
  ])('is not: %s', async (_, sent) => {
    expect((await send(sent)).status).toBe(202);
  });

  it.each([
    ['with a length', false],
    ['in pieces', true],
  ])('is answered however much of it there is, to who reads only when all is sent, %s', async (_, isChunked) => {
    const { port, hostname } = new URL(service.address);
    const bytes = Buffer.alloc(1024 * 1024, 'x');
    const count = 60;
    const socket = connect(Number(port), hostname).pause();
    const closed = new Promise((_done, failed) => socket.once('error', failed));
    closed.catch(() => undefined);
    const write = (data: Buffer | string) =>
      Promise.race([closed, new Promise<void>((done) => void socket.write(data, () => done()))]);
    const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${count * bytes.byteLength}`;
    await write(
      `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${service.key}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`,
    );
    for (let piece = 0; piece < count; piece++) {
      if (isChunked) await write(`${bytes.byteLength.toString(16)}\r\n`);
      await write(bytes);
      if (isChunked) await write('\r\n');
    }
    if (isChunked) await write('0\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket.resume()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"body_too_large"/);
  });

  it('leaves no secret and no document in the log', () => {
    const log = service.lines.join('\n');
    expect(log).toContain('request answered');
    for (const secret of [service.key, bob, revoked]) expect(log).not.toContain(secret);
    expect(log).not.toContain('<p>x</p>');
  });
});
