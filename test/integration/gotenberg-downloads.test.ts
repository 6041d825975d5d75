import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../src/config/egress-rule.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { withDownloads } from '../../src/http/compat/gotenberg/download-from.ts';
import { formFile } from '../../src/http/compat/receive-form.ts';
import { UploadSpace } from '../../src/http/upload-space.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { startService } from '../support/service.ts';

const { base } = await startService();
const space = new UploadSpace({ maxBytes: 200_000, maxFiles: 4, events: base.events });

type Answer = (response: ServerResponse, tries: number) => void;
const named = (name: string) => ({ 'content-disposition': `attachment; filename="${name}"` });
/** By path. */
const ANSWERS: Record<string, Answer> = {
  '/a': (response) => response.writeHead(200, named('a.pdf')).end('bytes of a'),
  '/b': (response) => response.writeHead(200, named('../b\u00c3\u00a9.html')).end('bytes of b'),
  '/slowly': (response) => void setTimeout(() => response.writeHead(200, named('slow.txt')).end('slow'), 100),
  '/nameless': (response) => response.writeHead(200).end('x'),
  '/no-file': (response) => response.writeHead(200, { 'content-disposition': 'attachment' }).end('x'),
  '/created': (response) => response.writeHead(201, named('a')).end('x'),
  '/missing': (response) => response.writeHead(404, named('a')).end('x'),
  '/later': (response, tries) => response.writeHead(tries < 4 ? [503, 429, 500, 502][tries] ?? 500 : 200, named('later')).end('late'), // prettier-ignore
  '/never': (response) => response.writeHead(503).end(),
  '/cut': (response, tries) => {
    response.writeHead(200, { ...named('cut'), 'content-length': '10' }).write('12345');
    if (tries > 0) response.end('67890');
    else setTimeout(() => response.destroy(), 50);
  },
  '/large': (response) => response.writeHead(200, named('large')).end(Buffer.alloc(150_000)),
  '/endless': (response) => {
    response.writeHead(200, named('endless'));
    const piece = Buffer.alloc(50_000);
    const more = () => void (response.destroyed || response.write(piece, more));
    more();
  },
  '/to-a': (response) => response.writeHead(302, { location: '/a' }).end(),
  '/round': (response) => response.writeHead(302, { location: '/round' }).end(),
  '/elsewhere': (response) => response.writeHead(307, { location: `http://127.0.0.1:${other}/a` }).end(),
  '/inside': (response) => response.writeHead(302, { location: 'http://10.0.0.1/a' }).end(),
  '/silent': () => undefined,
};
const seen: { path: string; port: number; headers: IncomingHttpHeaders; method: string }[] = [];
async function listen(): Promise<number> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const { port } = server.address() as AddressInfo;
    const tries = seen.filter((each) => each.path === path).length;
    seen.push({ path, port, headers: request.headers, method: request.method ?? '' });
    (ANSWERS[path] ?? ANSWERS['/missing'])?.(response, tries);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const port = await listen();
const other = await listen();
const at = (path: string) => `http://127.0.0.1:${port}${path}`;
const egress = new EgressPolicy({
  policy: 'public',
  rules: [port, other].flatMap((each) => parseEgressRule(`127.0.0.1:${each}`) ?? []),
});

interface Given {
  sent?: string[];
  ms?: number;
  signal?: AbortSignal;
}

/** What a form has after the downloads, by file name. */
async function fetched(list: unknown, { sent = [], ms = 20_000, signal = new AbortController().signal }: Given = {}) {
  const text = typeof list === 'string' ? list : JSON.stringify(list);
  return space.within('00000000-0000-0000-0000-000000000001', async (folder) => {
    const files = await Promise.all(
      sent.map(async (name) => formFile('files', name, await folder.save((async function* () { yield Buffer.from(name) })()))), // prettier-ignore
    );
    const form = { fields: new Map([['downloadFrom', [text]]]), files };
    const deps = { egress, space, pausesMs: [1, 1, 1, 1] };
    const { files: all } = await withDownloads(deps, { form, folder, trace: 'a-trace', ms, signal });
    return Promise.all(all.map(async ({ name, field, path }) => ({ name, field, text: await readFile(path, 'utf8') })));
  });
}
const refused = (list: unknown, given?: Given) =>
  fetched(list, given).then(
    () => undefined,
    (error: unknown) => {
      if (!(error instanceof CodedError)) throw error;
      return { code: error.code, message: error.message };
    },
  );

describe('files that a form names', () => {
  it('come after those that were sent, in their order, under the names that their servers give', async () => {
    const list = [{ url: at('/slowly') }, { url: at('/a'), embedded: true }, { url: at('/b'), field: 'watermark' }];
    expect(await fetched(list, { sent: ['own.html'] })).toEqual([
      { name: 'own.html', field: 'files', text: 'own.html' },
      { name: 'slow.txt', field: '', text: 'slow' },
      { name: 'a.pdf', field: 'embeds', text: 'bytes of a' },
      { name: 'bé.html', field: 'watermark', text: 'bytes of b' },
    ]);
  });

  it('are none without the field', async () => {
    for (const list of ['', 'null', '[]']) expect(await fetched(list, { sent: ['a'] })).toHaveLength(1);
  });

  it('are asked for with the id of the request and with headers of the form, which no other origin gets', async () => {
    const extraHttpHeaders = { Authorization: 'Bearer x', 'user-agent': 'Mine', 'gotenberg-trace': 'not this' };
    seen.length = 0;
    await fetched([{ url: at('/elsewhere'), extraHttpHeaders }]);
    expect(seen).toMatchObject([
      { method: 'GET', port, headers: { 'user-agent': 'Mine', 'gotenberg-trace': 'a-trace', authorization: 'Bearer x' } }, // prettier-ignore
      { method: 'GET', port: other, headers: { 'user-agent': 'Gotenberg', 'gotenberg-trace': 'a-trace' } },
    ]);
    expect(seen[1]?.headers).not.toHaveProperty('authorization');
    expect(await fetched([{ url: at('/to-a') }])).toMatchObject([{ name: 'a.pdf' }]);
  });

  it('are asked for five times, when that may help', async () => {
    seen.length = 0;
    expect(await fetched([{ url: at('/later') }, { url: at('/cut') }])).toMatchObject([{ text: 'late' }, { text: '1234567890' }]); // prettier-ignore
    expect(seen.filter(({ path }) => path === '/later')).toHaveLength(5);
    seen.length = 0;
    expect(await refused([{ url: at('/never') }])).toEqual({
      code: 'invalid_request',
      message: 'downloadFrom[0].url: it answered 503; allowed: 200',
    });
    expect(seen).toHaveLength(5);
  });

  it.each([
    ['/missing', 'it answered 404; allowed: 200'],
    ['/created', 'it answered 201; allowed: 200'],
    ['/nameless', 'its answer has no file name; required: a header Content-Disposition with filename'],
    ['/no-file', 'its answer has no file name; required: a header Content-Disposition with filename'],
    ['/round', 'it answered 302; allowed: 200'],
  ])('are refused at once from %s', async (path, message) => {
    seen.length = 0;
    const list = [{ url: at('/a') }, { url: at(path) }];
    expect(await refused(list)).toEqual({ code: 'invalid_request', message: `downloadFrom[1].url: ${message}` });
    expect(seen.filter((each) => each.path === path)).toHaveLength(path === '/round' ? 21 : 1);
  });

  it('have the limits of the form', async () => {
    const many = Array.from({ length: 4 }, () => ({ url: at('/a') }));
    expect(await fetched(many)).toHaveLength(4);
    expect(await refused(many, { sent: ['one'] })).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/^downloadFrom: allowed: 4 files/) }); // prettier-ignore
    expect(await fetched([{ url: at('/large') }])).toHaveLength(1);
    for (const list of [[{ url: at('/endless') }], [{ url: at('/large') }, { url: at('/large') }]])
      expect(await refused(list)).toMatchObject({ code: 'body_too_large', message: expect.stringContaining('200000') });
  });

  it('come from where documents may load from', async () => {
    seen.length = 0;
    for (const url of ['http://10.0.0.1/a', 'http://localhost/a', 'http://[::1]/a', 'https://a.example:22/'])
      expect([url, (await refused([{ url: at('/a') }, { url }]))?.code]).toEqual([url, 'egress_denied']);
    expect(seen).toEqual([]);
    // A name that only its look-up shows to be ours reads like one that nobody knows.
    for (const name of ['localhost', 'nobody.invalid'])
      expect(await refused([{ url: `http://${name}:${port}/a` }])).toEqual({
        code: 'invalid_request',
        message: 'downloadFrom[0].url: it could not be reached',
      });
    expect(seen).toEqual([]);
    expect(await refused([{ url: at('/inside') }])).toMatchObject({ code: 'egress_denied' });
  });

  it('are there in time, or the request ends', async () => {
    expect(await refused([{ url: at('/silent') }], { ms: 50 })).toMatchObject({ code: 'unavailable' });
    const hangUp = new AbortController();
    const ended = refused([{ url: at('/silent') }], { signal: hangUp.signal });
    seen.length = 0;
    hangUp.abort();
    expect(await ended).toMatchObject({ code: 'client_closed_request' });
  });

  it.each<[unknown, string[]]>([
    ['{', ['downloadFrom']],
    [{}, ['downloadFrom']],
    ['7', ['downloadFrom']],
    [
      [7, null, []],
      ['downloadFrom[0]', 'downloadFrom[1]', 'downloadFrom[2]'],
    ],
    [
      [{}, { url: '' }, { url: 7 }],
      ['downloadFrom[0].url', 'downloadFrom[1].url', 'downloadFrom[2].url'],
    ],
    [[{ url: 'file:///etc/passwd' }, { url: 'x' }, { url: 'http://a:b@c.example' }], ['downloadFrom[0].url', 'downloadFrom[1].url', 'downloadFrom[2].url']], // prettier-ignore
    [[{ url: 'https://a.example', field: 'embeded', embedded: 'yes' }], ['downloadFrom[0].embedded', 'downloadFrom[0].field']], // prettier-ignore
    [[{ url: 'https://a.example', extraHttpHeaders: 'a' }], ['downloadFrom[0].extraHttpHeaders']],
    [[{ url: 'https://a.example', extraHttpHeaders: { Host: 'a', 'x y': '', a: 'b\r\nc: d', b: 1 } }], ['Host', 'x y', 'a', 'b'].map((name) => `downloadFrom[0].extraHttpHeaders["${name}"]`)], // prettier-ignore
  ])('are refused by their places if they are malformed: %j', async (list, fields) => {
    const { code, message = '' } = (await refused(list)) ?? {};
    expect(code).toBe('invalid_request');
    expect(message.split('\n').map((line) => line.split(': ')[0])).toEqual(fields);
  });
});
