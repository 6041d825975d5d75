import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findChromium } from '../../src/render/chromium-binary.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import { temporaryDirectory } from '../support/files.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const HEADERS = { Authorization: 'Bearer secret', 'X-Tenant': 'secret', Cookie: 'mine=secret' };

/**
 * Every kind of request that a page can make: markup or a script, given the address to load. It names the kind.
 * A worker's script is its own site's, and asks for the addresses in its fragment.
 */
const KINDS: Record<string, (url: string, asking: (script: string) => string) => string> = {
  img: (url) => `<img src="${url}">`,
  stylesheet: (url) => `<link rel="stylesheet" href="${url}">`,
  '@import': (url) => `<style>@import url("${url}");</style>`,
  font: (url) => `<style>@font-face { font-family: f; src: url("${url}") }</style><p style="font-family: f">x</p>`,
  background: (url) => `<p style="background: url('${url}')">x</p>`,
  script: (url) => `<script src="${url}"></script>`,
  module: (url) => `<script type="module" src="${url}"></script>`,
  iframe: (url) => `<iframe src="${url}"></iframe>`,
  object: (url) => `<object data="${url}"></object>`,
  video: (url) => `<video src="${url}" preload="auto"></video>`,
  prefetch: (url) => `<link rel="prefetch" href="${url}">`,
  'in a frame': (url, asking) =>
    `<iframe src="${asking(`document.write('<img src="${url}">')`).replace('.js', '.html')}"></iframe>`,
  fetch: (url) => `<script>fetch('${url}').catch(() => 0)</script>`,
  post: (url) => `<script>fetch('${url}', { method: 'POST', body: 'x' }).catch(() => 0)</script>`,
  keepalive: (url) => `<script>fetch('${url}', { keepalive: true, mode: 'no-cors' }).catch(() => 0)</script>`,
  XHR: (url) => `<script>x = new XMLHttpRequest(); x.open('GET', '${url}'); x.send()</script>`,
  beacon: (url) => `<script>navigator.sendBeacon('${url}')</script>`,
  EventSource: (url) => `<script>new EventSource('${url}')</script>`,
  worker: (url, asking) => `<script>new Worker('${asking(`fetch('${url}').catch(() => 0)`)}')</script>`,
  'worker of a blob': (url) =>
    `<script>new Worker(URL.createObjectURL(new Blob(["fetch('${url}').catch(() => 0)"])))</script>`,
  'worker that imports': (url, asking) => `<script>new Worker('${asking(`importScripts('${url}')`)}')</script>`,
  'nested worker': (url, asking) =>
    `<script>new Worker('${asking(`new Worker('${asking(`fetch('${url}').catch(() => 0)`)}')`)}')</script>`,
  SharedWorker: (url, asking) => `<script>new SharedWorker('${asking(`fetch('${url}').catch(() => 0)`)}')</script>`,
  WebSocket: (url) => `<script>new WebSocket('${url.replace('http', 'ws')}')</script>`,
  redirected: (url) => `<img src="/go?to=${encodeURIComponent(url)}">`,
  'redirected fetch': (url) => `<script>fetch('/go?to=${encodeURIComponent(url)}').catch(() => 0)</script>`,
  'redirected frame': (url) => `<iframe src="/go?to=${encodeURIComponent(url)}"></iframe>`,
  'redirected there and back': (url) =>
    `<img src="/go?to=${encodeURIComponent(`${other.origin}/go?to=${encodeURIComponent(url)}`)}">`,
};

/** These are sent without anybody being asked. */
const UNASKED = new Set(['SharedWorker', 'WebSocket']);

type Seen = Record<string, string>;
/** Of each site: which of the headers came with each kind of request, or which a preflight told of. */
const seen = new Map<string, Seen>();
const onSeen = new Set<() => void>();

function note(site: string, { method, url, headers }: IncomingMessage): void {
  const kind = decodeURIComponent((url ?? '').slice(1));
  const given = Object.keys(HEADERS).map((name) => name.toLowerCase());
  const told = (headers['access-control-request-headers'] ?? '').split(',');
  const found = given.filter((name) => String(headers[name]).includes('secret') || told.includes(name));
  seen.set(site, { ...seen.get(site), [method === 'OPTIONS' ? `${kind}, preflight` : kind]: found.join(' ') });
  for (const look of onSeen) look();
}

let page = '';
const start = async (name: string) => {
  const site = await startSite((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
    const answer = (type: string, body: string) => response.writeHead(200, { ...cors, 'content-type': type }).end(body);
    if (pathname === '/go') response.writeHead(302, { ...cors, location: searchParams.get('to') ?? '/' }).end();
    else if (pathname === '/ask.js') answer('text/javascript', searchParams.get('script') ?? '');
    else if (pathname === '/ask.html') answer('text/html', `<script>${searchParams.get('script') ?? ''}</script>`);
    else if (pathname === '/locked') response.writeHead(401).end();
    else if (pathname === '/everything') {
      const look = () => {
        const isMissing = (kind: string) => [...sites.keys()].some((each) => seen.get(each)?.[kind] === undefined);
        if (Object.keys(KINDS).some(isMissing)) return;
        onSeen.delete(look);
        answer('text/plain', '');
      };
      onSeen.add(look);
      look();
    } else {
      note(name, request);
      answer(pathname === '/page' ? 'text/html' : 'text/plain', pathname === '/page' ? page : '');
    }
  });
  site.server.on('upgrade', (request, socket) => {
    note(name, request);
    socket.destroy();
  });
  return site;
};
const own = await start('own');
const other = await start('other');
const foreign = await start('foreign');
/** The same host by another port is another origin; a name is another site, too. */
const sites = new Map([
  ['own', own.origin],
  ['other', other.origin],
  ['foreign', foreign.origin.replace('127.0.0.1', 'localhost')],
]);
const allowing = { EGRESS_ALLOW: [...sites.values()].map((origin) => new URL(origin).host).join(',') };
const { renderer } = await createRenderer(allowing);
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

/** A page that asks every site for every kind of thing, and is done when each has been asked for. */
function everyKind(): string {
  const asking = (script: string) => `${own.origin}/ask.js?script=${encodeURIComponent(script).replaceAll("'", '%27')}`;
  const parts = [...sites.values()].flatMap((origin) =>
    Object.entries(KINDS).map(([kind, of]) => of(`${origin}/${encodeURIComponent(kind)}`, asking)),
  );
  return `<!doctype html>${parts.join('\n')}<script>fetch('${own.origin}/everything').then(() => document.body.id = 'done')</script>`;
}

/** What each site saw of the headers that its address in the page may get. */
async function visit(body: object, by: Renderer = renderer): Promise<Record<string, Seen>> {
  seen.clear();
  page = everyKind();
  await pdfOf(by, {
    setExtraHTTPHeaders: HEADERS,
    gotoOptions: { waitUntil: 'domcontentloaded' },
    waitForSelector: { selector: '#done', timeout: 90_000 },
    timeoutMs: 100_000,
    ...body,
  });
  return Object.fromEntries(seen);
}

const ALL = 'authorization x-tenant cookie';
const withAll = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, UNASKED.has(kind) ? '' : ALL]));
const withNone = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, '']));

/** Everything that came with a preflight, or that was asked for once more, is looked at too. */
const any = (kinds: Seen) => expect.objectContaining(kinds) as Seen;
const secrets = (kinds: Seen | undefined) => Object.values(kinds ?? {}).filter((headers) => headers !== '');

describe('headers given for a document', () => {
  it('go to its own origin with every kind of request, and to no other', async () => {
    const saw = await visit({ url: `${own.origin}/page` });
    expect(saw.own).toEqual(any({ page: ALL, ...withAll }));
    expect(saw).toMatchObject({ other: withNone, foreign: withNone });
    expect([...secrets(saw.other), ...secrets(saw.foreign)]).toEqual([]);
  });

  it('nor if every site has a process of its own', async () => {
    const binary = await findChromium({ chromePath: undefined, dataDir: inject('dataDir') });
    const path = join(await temporaryDirectory('chromium'), 'chromium.sh');
    await writeFile(path, `#!/bin/sh\nexec '${binary.path}' --site-per-process "$@"\n`, { mode: 0o755 });
    const { renderer: apart } = await createRenderer(allowing, {}, { ...binary, path });
    await apart.start();
    try {
      const saw = await visit({ url: `${own.origin}/page` }, apart);
      expect(saw).toMatchObject({ own: withAll, other: withNone, foreign: withNone });
      expect([...secrets(saw.other), ...secrets(saw.foreign)]).toEqual([]);
    } finally {
      await apart.stop();
    }
  });

  it('go to the origins of extraHTTPHeadersTo, if it lists some', async () => {
    const saw = await visit({ url: `${own.origin}/page`, extraHTTPHeadersTo: [`${sites.get('foreign') ?? ''}/`] });
    expect(saw).toMatchObject({ own: withNone, other: withNone, foreign: withAll });
    expect([...secrets(saw.own), ...secrets(saw.other)]).toEqual([]);
  });

  it('go everywhere, if it says all, and make no preflight of a request', async () => {
    const saw = await visit({ url: `${own.origin}/page`, extraHTTPHeadersTo: 'all' });
    expect(saw).toMatchObject({ own: withAll, other: withAll, foreign: withAll });
    expect(Object.keys(saw.other ?? {}).filter((kind) => kind.includes('preflight'))).toEqual([]);
  });

  it('do not follow the document when it is redirected to another origin', async () => {
    const saw = await visit({ url: `${other.origin}/go?to=${encodeURIComponent(`${own.origin}/page`)}` });
    expect(saw).toMatchObject({ own: { page: '', ...withNone }, other: withAll, foreign: withNone });
    expect([...secrets(saw.own), ...secrets(saw.foreign)]).toEqual([]);
  });

  it('go nowhere from html, which has no origin, unless it is said where', async () => {
    const html = `<img src="${own.origin}/img"><img src="${other.origin}/img">`;
    seen.clear();
    await pdfOf(renderer, { html, setExtraHTTPHeaders: HEADERS });
    expect(Object.fromEntries(seen)).toEqual({ own: { img: '' }, other: { img: '' } });
    await pdfOf(renderer, { html, setExtraHTTPHeaders: HEADERS, extraHTTPHeadersTo: [own.origin] });
    expect(Object.fromEntries(seen)).toEqual({ own: { img: ALL }, other: { img: '' } });
  });

  it('are named where they are missed', async () => {
    const html = `<img src="${own.origin}/locked">`;
    const reasonOf = async (body: object) => (await pdfOf(renderer, { html, ...body })).failedResources[0]?.reason;
    expect(await reasonOf({ setExtraHTTPHeaders: HEADERS })).toBe(
      'status 401 without setExtraHTTPHeaders, which extraHTTPHeadersTo can send there',
    );
    expect(await reasonOf({ setExtraHTTPHeaders: HEADERS, extraHTTPHeadersTo: 'all' })).toBe('status 401');
    expect(await reasonOf({})).toBe('status 401');
  });

  it('go where their pattern fits, and beside the others', async () => {
    const images = [...sites.values()].map((origin) => `<img src="${origin}/img">`).join('');
    page = images;
    const saw = async (setExtraHTTPHeaders: object, body: object) => {
      seen.clear();
      await pdfOf(renderer, { setExtraHTTPHeaders, ...body });
      return Object.fromEntries([...seen].map(([name, kinds]) => [name, kinds.img]));
    };
    const here = { url: `${own.origin}/page` };
    const at = (urls: string) => ({ value: 'secret', urls });
    const [X, A] = ['X-Tenant', 'Authorization'];
    const cases: [headers: object, body: object, own: string, other: string, foreign: string][] = [
      [{ [X]: at(`${other.origin}/*`) }, here, '', 'x-tenant', ''],
      [{ [X]: at('*/img') }, here, 'x-tenant', 'x-tenant', 'x-tenant'],
      [{ [X]: at('*/page') }, here, '', '', ''],
      [{ [X]: at(`${other.origin}/*`), [A]: 'secret' }, here, 'authorization', 'x-tenant', ''],
      [{ [X]: at(`${other.origin}/*`), [A]: 'secret' }, { ...here, extraHTTPHeadersTo: 'all' }, 'authorization', 'authorization x-tenant', 'authorization'],
      [{ [X]: at('*localhost*'), [A]: at(`${own.origin}*`) }, { html: images }, 'authorization', '', 'x-tenant'],
      // The one for a pattern wins, whatever the case of its name.
      [{ [X]: 'public', 'x-tenant': at(`${own.origin}/img`) }, here, 'x-tenant', '', ''],
    ]; // prettier-ignore
    for (const [headers, body, ...expected] of cases)
      expect([headers, await saw(headers, body)]).toEqual([
        headers,
        { own: expected[0], other: expected[1], foreign: expected[2] },
      ]);
  });

  it('for a pattern do not follow a redirect to where it does not fit', async () => {
    const go = (from: string, to: string) => `<img src="${from}/go?to=${encodeURIComponent(`${to}/img`)}">`;
    const headers = { 'X-Tenant': { value: 'secret', urls: `${own.origin}/*` } };
    seen.clear();
    await pdfOf(renderer, { html: go(own.origin, other.origin), setExtraHTTPHeaders: headers });
    expect(Object.fromEntries(seen)).toEqual({ other: { img: '' } });
    await pdfOf(renderer, { html: go(other.origin, own.origin), setExtraHTTPHeaders: headers });
    expect(seen.get('own')).toEqual({ img: 'x-tenant' });
  });
});
