/** @module-tag long */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

/** Every kind of request that a page can make, by the name of what rejects it. */
const KINDS: Record<string, [type: string, of: (url: string) => string]> = {
  img: ['image', (url) => `<img src="${url}">`],
  background: ['image', (url) => `<p style="background: url('${url}')">x</p>`],
  stylesheet: ['stylesheet', (url) => `<link rel="stylesheet" href="${url}">`],
  import: ['stylesheet', (url) => `<style>@import url("${url}");</style>`],
  font: ['font', (url) => `<style>@font-face { font-family: ${nameOf(url)}; src: url("${url}") }</style><p style="font-family: ${nameOf(url)}">x</p>`],
  script: ['script', (url) => `<script src="${url}"></script>`],
  module: ['script', (url) => `<script type="module" src="${url}"></script>`],
  worker: ['script', (url) => `<script>try { new Worker('${url}') } catch {}</script>`],
  iframe: ['document', (url) => `<iframe src="${url}"></iframe>`],
  object: ['document', (url) => `<object data="${url}"></object>`],
  video: ['media', (url) => `<video src="${url}" preload="auto"></video>`],
  track: ['texttrack', (url) => `<video><track default kind="subtitles" src="${url}"></video>`],
  fetch: ['fetch', (url) => `<script>fetch('${url}').catch(() => 0)</script>`],
  posted: ['xhr', (url) => `<script>fetch('${url}', { method: 'POST', body: 'x', headers: { 'x-a': '1' } }).catch(() => 0)</script>`],
  keepalive: ['fetch', (url) => `<script>fetch('${url}', { keepalive: true, mode: 'no-cors' }).catch(() => 0)</script>`],
  xhr: ['xhr', (url) => `<script>x = new XMLHttpRequest(); x.open('GET', '${url}'); x.send()</script>`],
  beacon: ['ping', (url) => `<script>navigator.sendBeacon('${url}')</script>`],
  sse: ['eventsource', (url) => `<script>new EventSource('${url}')</script>`],
  redirected: ['image', (url) => `<img src="/go?to=${encodeURIComponent(url)}">`],
  framed: ['image', (url) => `<iframe src="/frame?${encodeURIComponent(`<img src="${url}">`)}"></iframe>`],
  inworker: ['fetch', (url) => inWorker(`fetch('${url}').catch(() => 0)`)],
  nested: ['fetch', (url) => inWorker(`new Worker('/w.js?' + encodeURIComponent("fetch('${url}').catch(() => 0)"))`)],
  shared: ['fetch', (url) => `<script>if (self.SharedWorker) new SharedWorker('/w.js?${encodeURIComponent(`fetch('${url}')`).replaceAll("'", '%27')}')</script>`],
}; // prettier-ignore
const inWorker = (script: string) =>
  `<script>new Worker('/w.js?${encodeURIComponent(script).replaceAll("'", '%27')}')</script>`;
const nameOf = (url: string) => `f${url.replaceAll(/\W/g, '')}`;
/** It does not run where something is rejected, since nobody could ask what it requests. */
const UNASKED = 'shared';

const asked: string[] = [];
const credentials: [path: string, sent: string][] = [];
let page = '';
const start = async (name: string) =>
  startSite((request, response) => {
    const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://site');
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
    const answer = (type: string, body = '') => response.writeHead(200, { ...cors, 'content-type': type }).end(body);
    credentials.push([`${name}${pathname}`, request.headers.authorization ?? '']);
    const script = decodeURIComponent(search.slice(1));
    if (pathname === '/page') answer('text/html', page);
    else if (pathname === '/go') response.writeHead(302, { ...cors, location: searchParams.get('to') ?? '' }).end();
    else if (pathname === '/frame') answer('text/html', script);
    else if (pathname === '/w.js') answer('text/javascript', script);
    else if (pathname === '/everything') {
      const look = () => {
        const isThere = Object.keys(KINDS).every((kind) => kind === UNASKED || asked.includes(`own/fine/${kind}`));
        if (isThere) answer('text/plain');
        else setTimeout(look, 20);
      };
      look();
    } else if (pathname.startsWith('/private')) {
      const isKnown = request.headers.authorization === `Basic ${Buffer.from('me:p\u00e4ss:word').toString('base64')}`;
      if (isKnown) answer('text/html', `<p>private</p><img src="/private.png"><img src="${other.origin}/private-too">`);
      else response.writeHead(401, { ...cors, 'www-authenticate': `Basic realm="${name}", charset="UTF-8"` }).end('no');
    } else {
      asked.push(`${name}${pathname}`);
      answer(pathname.includes('script') || pathname.includes('module') ? 'text/javascript' : 'text/plain');
    }
  });
const own = await start('own');
const other = await start('other');
const foreignSite = other.origin.replace('127.0.0.1', 'localhost');
const hosts = [own.origin, other.origin, foreignSite].map((origin) => new URL(origin).host);
const { renderer } = await createRenderer({ EGRESS_ALLOW: hosts.join(',') });
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const everyKind = (folders: string[]) =>
  folders.flatMap((folder) => Object.entries(KINDS).map(([kind, [, of]]) => of(`${folder}/${kind}`))).join('\n');
const done = `<script>fetch('${own.origin}/everything').then(() => document.body.id = 'done')</script>`;
const waiting = {
  gotoOptions: { waitUntil: 'domcontentloaded' },
  waitForSelector: { selector: '#done', timeout: 60_000 },
  timeoutMs: 90_000,
};

describe('rejectRequestPattern', () => {
  it('lets no request of any kind leave the machine, to any site, and all others', async () => {
    page = everyKind([`${own.origin}/fine`, `${own.origin}/no`, `${other.origin}/no`, `${foreignSite}/no`]) + done;
    asked.length = 0;
    const rejectRequestPattern = ['*/no/*'];
    const { failedResources } = await pdfOf(renderer, { url: `${own.origin}/page`, ...waiting, rejectRequestPattern });
    expect(asked.filter((path) => path.includes('/no/'))).toEqual([]);
    expect(new Set(asked)).toEqual(new Set(Object.keys(KINDS).flatMap((kind) => (kind === UNASKED ? [] : `own/fine/${kind}`))));
    expect(failedResources.filter(({ url }) => url.includes('/no/'))).toEqual([]);
  }); // prettier-ignore

  it.each([
    ['html', {}],
    ['html at an origin of its own', { more: '<script>typeof localStorage</script>' }],
    ['html with its scripts off', { setJavaScriptEnabled: false }],
  ])('applies to %s, and not to the next document', async (_, { more = '', ...fields }: Record<string, unknown>) => {
    const html = `<p>x</p><img src="${own.origin}/no/img"><img src="${own.origin}/yes/img">${String(more)}`;
    for (const [reject, found] of [[['*/no/*'], ['own/yes/img']], [[], ['own/no/img', 'own/yes/img']]] as const) {
      asked.length = 0;
      const { failedResources } = await pdfOf(renderer, { html, ...fields, rejectRequestPattern: reject });
      expect(asked.toSorted()).toEqual(found);
      expect(failedResources).toEqual([]);
    }
  }); // prettier-ignore

  it('never rejects the document itself, but another that it leads to, and then stays', async () => {
    page = `<p>here</p><script>location.href = '/no/other'</script>`;
    asked.length = 0;
    const body = { url: `${own.origin}/go?to=/page`, rejectRequestPattern: ['*'], rejectResourceTypes: ['document'] };
    const { text } = await readPdf(Buffer.concat((await pdfOf(renderer, body)).chunks));
    expect([text.join().trim(), asked]).toEqual(['here', []]);
  });

  it('does not count what it rejects', async () => {
    const html = Array.from({ length: 3_000 }, (_, index) => `<img src="${own.origin}/no/${index}">`).join('');
    asked.length = 0;
    const { failedResources } = await pdfOf(renderer, { html, rejectRequestPattern: ['*/no/*'] });
    expect([failedResources, asked]).toEqual([[], []]);
  });
});

describe('a document with files', () => {
  const FILES: Record<string, [type: string, text: string]> = {
    '/index.html': ['text/html', '<p>x</p><img src="a.svg"><img src="b.svg">'],
    '/print.css': ['text/css', 'p::after { content: " styled" }'],
    '/a.js': ['text/javascript', 'document.body.append(" scripted")'],
    '/a.svg': ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"><text y="20">A</text></svg>'],
    '/b.svg': ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"><text y="20">B</text></svg>'],
  };
  const print = async (body: object) => {
    const opened: string[] = [];
    const file = async (path: string) => {
      opened.push(path);
      const [type, text] = FILES[path] ?? [];
      const content = Buffer.from(text ?? '');
      return type === undefined ? undefined : { type, size: content.byteLength, content };
    };
    const parsed = parsePdfRequest({ html: 'x', ...body });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
    const content = { files: { entry: '/index.html', file } };
    const outcome = await renderer.render(onlyPart(parsed.request), { tenant: 'ann', content });
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    const { text } = await readPdf(Buffer.concat(outcome.pdf.chunks));
    return { opened: opened.toSorted(), text: text.join(' ').replaceAll(/\s+/g, ' ').trim(), failed: outcome.pdf.failedResources };
  };

  it('rejects some of them, and has tags from others', async () => {
    const tags = { addStyleTag: [{ url: 'print.css' }], addScriptTag: [{ url: '/a.js' }] };
    const some = await print({ ...tags, rejectRequestPattern: ['*/a.*'] });
    expect(some).toMatchObject({ opened: ['/b.svg', '/index.html', '/print.css'], failed: [] });
    const all = await print(tags);
    expect(all.opened).toEqual(Object.keys(FILES).toSorted());
    for (const part of ['x styled', 'scripted', 'A', 'B']) expect(all.text).toContain(part);
    expect((await print({ rejectResourceTypes: ['document', 'image'] })).opened).toEqual(['/index.html']);
    expect(await print({ singlePage: true, waitForFunction: { fn: 'document.images.length === 2' } })).toMatchObject({ failed: [] });
  });
}); // prettier-ignore

describe('rejectResourceTypes', () => {
  const types = new Set(Object.values(KINDS).map(([type]) => type));

  it.each([...types])('%s: all of that kind, and nothing else', async (type) => {
    const ALIKE: Record<string, string[]> = {
      xhr: ['xhr', 'fetch', 'eventsource'],
      fetch: ['xhr', 'fetch', 'eventsource'],
      eventsource: ['xhr', 'fetch', 'eventsource'],
      media: ['media', 'texttrack'],
      texttrack: ['media', 'texttrack'],
    };
    const rejected = ALIKE[type] ?? [type];
    const left = Object.entries(KINDS).flatMap(([kind, [its]]) => (rejected.includes(its) ? [] : kind));
    // What comes in a frame or a worker is not there without these.
    const within = { document: ['framed'], script: ['inworker', 'nested'] }[type] ?? [];
    const expected = left.filter((kind) => kind !== UNASKED && !within.includes(kind)).map((kind) => `own/fine/${kind}`);
    page = everyKind([`${own.origin}/fine`]);
    asked.length = 0;
    const body = { url: `${own.origin}/page`, rejectResourceTypes: [type], gotoOptions: { waitUntil: 'networkidle0' } };
    const { failedResources } = await pdfOf(renderer, body);
    expect(new Set(asked)).toEqual(new Set(expected));
    const frames = failedResources.filter(({ url }) => !url.includes('/fine/'));
    expect(frames).toEqual([]);
  });
}); // prettier-ignore

describe('authenticate', () => {
  const authenticate = { username: 'me', password: 'p\u00e4ss:word' };

  it('answers the document\u2019s own origin, and no other that asks', async () => {
    credentials.length = 0;
    const { chunks, failedResources } = await pdfOf(renderer, { url: `${own.origin}/private`, authenticate });
    expect((await readPdf(Buffer.concat(chunks))).text.join().trim()).toBe('private');
    const sent = credentials.filter(([, header]) => header !== '').map(([path]) => path);
    expect(new Set(sent)).toEqual(new Set(['own/private', 'own/private.png']));
    expect(credentials.map(([path]) => path)).toContain('other/private-too');
    expect(failedResources).toEqual([{ url: `${other.origin}/private-too`, reason: 'status 401' }]);
  });

  it('ends when it is not accepted, after one try, and is not there for the next document', async () => {
    credentials.length = 0;
    const wrong = { username: 'me', password: 'wrong' };
    expect(await renderBody(renderer, { url: `${own.origin}/private`, authenticate: wrong })).toMatchObject({ code: 'document_status' });
    expect(credentials).toHaveLength(2);
    await pdfOf(renderer, { url: `${own.origin}/private`, authenticate });
    credentials.length = 0;
    expect(await renderBody(renderer, { url: `${own.origin}/private` })).toMatchObject({ code: 'document_status' });
    expect(credentials).toEqual([['own/private', '']]);
  }); // prettier-ignore

  it('does not follow a redirect to another origin', async () => {
    credentials.length = 0;
    const url = `${own.origin}/go?to=${encodeURIComponent(`${other.origin}/private`)}`;
    expect(await renderBody(renderer, { url, authenticate })).toMatchObject({ code: 'document_status' });
    expect(credentials.filter(([, header]) => header !== '')).toEqual([]);
  });

  it('comes with rejections and headers at once', async () => {
    credentials.length = 0;
    const more = { rejectResourceTypes: ['image'], setExtraHTTPHeaders: { 'x-a': '1' } };
    await pdfOf(renderer, { url: `${own.origin}/private`, authenticate, ...more });
    expect(credentials.map(([path]) => path)).toEqual(['own/private', 'own/private']);
  });
});
