/** @module-tag long */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import { KEEPING_PAGE } from '../support/keepers.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

/** What each path answers; the others answer nothing. */
const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
const asked: IncomingMessage[] = [];
const site = await startSite((request, response) => {
  asked.push(request);
  response.setHeader('access-control-allow-origin', '*');
  const answer = answers.get((request.url ?? '').replace(/\?.*/, ''));
  if (answer) answer(request, response);
  else response.end();
});
const js = (code: string) => (_: IncomingMessage, response: ServerResponse) =>
  response.setHeader('content-type', 'text/javascript').end(code);
const requestsOf = (path: string) => asked.filter(({ url }) => url?.startsWith(path));

async function textOf(renderer: Renderer, body: object, tenant?: string): Promise<string> {
  const { chunks } = await pdfOf(renderer, body, tenant);
  return (await readPdf(Buffer.concat(chunks))).text.join(' ').replaceAll(/\s+/g, ' ').trim();
}
const bytesOf = async (renderer: Renderer, body: object) =>
  Buffer.concat((await pdfOf(renderer, body)).chunks).toString('latin1');
/** A document whose script writes a value. */
const writes = (code: string) =>
  `<p id="p">nothing</p><script>(async () => { ${code} })().then((v) => p.textContent = 'v: ' + v, (e) => p.textContent = e).then(() => p.className = 'written')</script>`;
const written = { waitForSelector: { selector: '.written' } };
const done = { gotoOptions: { waitUntil: 'networkidle0' } };

describe('html that needs an origin', () => {
  let renderer: Renderer;
  beforeAll(async () => {
    ({ renderer } = await createRenderer({ ...site.env, DOCUMENT_MAX_EGRESS_MB: '20' }));
    await renderer.start();
  });
  afterAll(() => renderer.stop());
  const text = (html: string, body: object = html.includes('written') ? written : done) =>
    textOf(renderer, { html, ...body });

  it.each([
    ['a language kept in localStorage', `localStorage.lang ??= 'de'; return localStorage.lang`, 'de'],
    ['sessionStorage', `sessionStorage.setItem('a', 'b'); return sessionStorage.a`, 'b'],
    ['a cookie', `document.cookie = 'a=b'; return document.cookie`, 'a=b'],
    [
      'IndexedDB',
      `return new Promise((done) => { indexedDB.open('x').onsuccess = ({ target }) => done(target.result.name) })`,
      'x',
    ],
    ['a URL beside its own', `return new URL('b?c', location.href).pathname`, '/b'],
    ['import() of a data: URL', `return (await import('data:text/javascript,export default 7')).default`, '7'],
    ['import() from elsewhere', `return (await import('${site.origin}/seven.js')).default`, '7'],
    ['fetch of a data: URL', `localStorage; return (await fetch('data:,hello')).text()`, 'hello'],
    ['a path of a router', `history.pushState({}, '', '/orders/7'); return location.pathname`, '/orders/7'],
    ['a file that is not there', `localStorage; return (await fetch('data.json')).status`, '404'],
  ])('has %s', async (_, code, value) => {
    answers.set('/seven.js', js('export default 7'));
    expect(await text(writes(code))).toBe(`v: ${value}`);
  });

  it('runs modules, those of a map too, and scripts from elsewhere that use storage', async () => {
    answers.set('/state.js', js(`localStorage.theme = 'dark'; document.write('theme ' + localStorage.theme)`));
    answers.set('/lib.js', js(`export const name = 'lib'`));
    const html = `<p>start</p><script src="${site.origin}/state.js"></script>
      <script type="importmap">{"imports":{"lib":"${site.origin}/lib.js"}}</script>
      <script type="module">import { name } from 'lib'; document.body.append(' module ' + name)</script>`;
    expect(await text(html)).toBe('start theme dark module lib');
  });

  it('is the context that it is without one: not secure, no referrer, nothing to go back to', async () => {
    const code = `return [isSecureContext, document.referrer, history.length, document.characterSet, document.compatMode]`;
    const without = await text(writes(code));
    expect(await text(writes(`localStorage; ${code}`))).toBe(without);
    expect(await text(writes(`localStorage; history.back(); history.back(); close(); return 'stays'`))).toBe(
      'v: stays',
    );
  });

  it('shows its address nowhere: not in a header, a link, a printed link, the PDF, or to others', async () => {
    asked.length = 0;
    const html = `<style>a::after { content: ' to ' attr(href) }</style><script>localStorage.x = 1</script>
      <a href="page.html">a</a> <a href="/root">b</a> <a href="#there">c</a> <a href="https://example.com/">d</a>
      <img src="${site.origin}/image.png"><iframe srcdoc="<a href='framed.html'>e</a>"></iframe><p id="there">there</p>
      <svg width="20" height="20"><a href="drawn.html"><text y="10">f</text></a></svg>`;
    const options = {
      displayHeaderFooter: true,
      headerTemplate: '<p style="font-size: 9px">header <b class="url"></b><b class="title"></b> end</p>',
    };
    const body = { html, options: { ...options, margin: { top: '2cm' } } };
    const bytes = await bytesOf(renderer, body);
    expect(new Set(bytes.match(/\/URI \([^)]*\)/g))).toEqual(new Set(['/URI (https://example.com/)']));
    expect(bytes).toMatch(/\/Dest \/there/);
    expect(bytes).not.toContain('pdfprompt.internal');
    const printed = await textOf(renderer, body);
    expect(printed).toContain('header end');
    expect(printed).toContain('a to page.html b to /root c to #there d to https://example.com/');
    expect(printed).not.toContain('internal');
    expect(requestsOf('/image.png').map(({ headers }) => headers.referer)).toEqual([undefined, undefined]);
  });

  it('names what a relative address does not reach as any other html does', async () => {
    const html = `<img src="logo.png"><link rel="stylesheet" href="/a.css"><svg><use href="#x"/></svg><a href="b.html">b</a><i style="background: url(c.png)">x</i>`;
    const without = await pdfOf(renderer, { html: `${html}<script>0</script>` });
    const { failedResources } = await pdfOf(renderer, { html: `${html}<script>localStorage.x = 1</script>` });
    expect(failedResources).toHaveLength(3);
    expect(failedResources).toEqual(without.failedResources);
    const body = { html: `${html}<script>localStorage</script>`, failOnResourceError: true };
    expect(await renderBody(renderer, body)).toMatchObject({ code: 'resource_failed' });
  });

  it('counts no more than what comes from elsewhere, unless it asks for itself again and again', async () => {
    const large = `<p>printed</p><!--${'x'.repeat(5_000_000)}-->`;
    expect(await text(`${large}<script>localStorage.x = 1</script>`)).toBe('printed');
    const again = `for (let n = 0; n < 100; n++) await fetch('/').then((r) => { if (!r.ok) throw 0; return r.text() }).catch(() => { throw 'ended at ' + (n < 10) })`;
    expect(await text(`${large}${writes(`localStorage; ${again}`)}`)).toBe('printed ended at true');
  });

  it('is printed as far as it came when it stops its own loading', async () => {
    const html = `<script>localStorage.x = 1</script><p>printed</p><script>window.stop()</script>`;
    expect(await text(html, {})).toBe('printed');
  });

  it('asks for files that are not there as often as it likes, for they would be no requests without an origin', async () => {
    const code = `localStorage; for (let n = 0; n < 1100; n++) await fetch('/' + n).catch(() => 0); return 'all'`;
    expect(await text(writes(code))).toBe('v: all');
  });

  it('has resources whose names Postgres can store', async () => {
    const set = (value: string) => `const i = new Image(); i.setAttribute('src', ${value}); document.body.append(i)`;
    const html = writes(`localStorage; ${set(`'\\0x'`)}; { ${set(`'a' + '\\u{1f600}'.repeat(300)`)} }`);
    const { failedResources } = await pdfOf(renderer, { html, ...written });
    expect(failedResources).toHaveLength(2);
    for (const { url } of failedResources) expect([url.isWellFormed(), url.includes('\0')]).toEqual([true, false]);
  });

  it('is answered for a while at most', async () => {
    const forever = `<script>localStorage; onload = () => location.reload()</script>`;
    expect(await renderBody(renderer, { html: forever, timeoutMs: 2_000 })).toMatchObject({ kind: 'reject' });
  });

  it('has the cookies of the request where they belong', async () => {
    const html = writes(`return document.cookie`);
    const cookies = [{ name: 'a', value: '1', domain: '127.0.0.1' }];
    expect(await text(html, { ...written, cookies })).toBe('v:');
  });
});

const combinations = ['namespace', 'proxy'].flatMap((jail) =>
  ['tenant', 'static', 'job', 'shared'].map((isolation) => [jail, isolation] as const),
);
describe.each(combinations)('RENDER_JAIL=%s RENDER_ISOLATION=%s', (jail, isolation) => {
  const started = createRenderer({ ...site.env, RENDER_JAIL: jail, RENDER_ISOLATION: isolation });
  let renderer: Renderer;
  beforeAll(async () => {
    ({ renderer } = await started);
    await renderer.start();
  });
  afterAll(() => renderer.stop());

  it('leaves nothing of a document at its origin to the next, whatever it is kept in', async () => {
    const body = { html: KEEPING_PAGE, waitForSelector: { selector: '#done' } };
    for (const tenant of ['ann', 'ann', 'bob', 'ann']) {
      const text = await textOf(renderer, body, tenant);
      expect(text).toMatch(/^found: ; failed: ; kept: .*localStorage,.*indexedDB,.* end/);
    }
  });

  it('lets no worker of a document run beside the next', async () => {
    const code = `setInterval(() => fetch('${site.origin}/beacon'), 20)`;
    const html = `<script>localStorage; new SharedWorker(URL.createObjectURL(new Blob([${JSON.stringify(code)}])), { extendedLifetime: true })</script>`;
    await pdfOf(renderer, { html, waitForTimeout: 300 }, 'dan');
    expect(requestsOf('/beacon').length).toBeGreaterThan(0);
    await pdfOf(renderer, { html: '<script>0</script>between' }, 'dan');
    const before = requestsOf('/beacon').length;
    await pdfOf(renderer, { html: '<script>0</script>next', waitForTimeout: 600 }, 'dan');
    expect(requestsOf('/beacon')).toHaveLength(before);
  });

  it('uses the page of such a document again', async () => {
    const { lines } = await started;
    lines.length = 0;
    for (let n = 0; n < 3; n++) await pdfOf(renderer, { html: '<script>localStorage.x = 1</script>x' }, 'cid');
    const taken = lines.flatMap((line) => /"kind":"(warm|cold)"/.exec(line)?.[1] ?? []);
    expect(taken.slice(1)).toEqual(isolation === 'job' ? ['cold', 'cold'] : ['warm', 'warm']);
  });

  it('loads again, without cookies, what the document before has loaded', async () => {
    for (const path of ['/kept.svg', '/kept.css', '/kept.js'])
      answers.set(path, (_, response) => {
        const type = { svg: 'image/svg+xml', css: 'text/css', js: 'text/javascript' }[path.slice(6)] ?? '';
        const headers = { 'content-type': type, 'cache-control': 'max-age=3600', 'set-cookie': 'a=1' };
        response.writeHead(200, headers).end(path.endsWith('svg') ? '<svg xmlns="http://www.w3.org/2000/svg"/>' : '');
      });
    const resources = `<link rel="stylesheet" href="${site.origin}/kept.css"><img src="${site.origin}/kept.svg">`;
    const documents = [
      `static ${resources}`,
      `script ${resources}<script>0</script>`,
      `origin ${resources}<script>localStorage.x = 1</script>`,
      `origin and script ${resources}<script src="${site.origin}/kept.js"></script>`,
    ];
    for (const first of documents)
      for (const second of documents) {
        await pdfOf(renderer, { html: first, cookies: [{ name: 'b', value: '1', url: site.origin }] }, 'dan');
        asked.length = 0;
        await pdfOf(renderer, { html: second }, 'dan');
        const found = requestsOf('/kept').map(({ url, headers }) => `${url} ${headers.cookie}`);
        const expected = [
          '/kept.css',
          ...(second.includes('src="http') && second.includes('kept.js') ? ['/kept.js'] : []),
          '/kept.svg',
        ];
        expect([first, second, ...found.toSorted()]).toEqual([
          first,
          second,
          ...expected.map((url) => `${url} undefined`),
        ]);
      }
  });

  it.each(['ann', 'bob'])(
    'does not let a document reach the origin of another that is being printed: %s',
    async (other) => {
      const named = Promise.withResolvers<string>();
      const isOver = Promise.withResolvers<void>();
      answers.set('/name', ({ url }, response) => {
        named.resolve(decodeURIComponent((url ?? '').replace(/.*\?/, '')));
        void isOver.promise.then(() => response.end('over'));
      });
      answers.set('/go', ({ url }, response) => {
        response.writeHead(302, { location: decodeURIComponent((url ?? '').replace(/.*\?/, '')) }).end();
      });
      const html = `${writes(`await fetch('/mine'); return (await fetch('${site.origin}/name?' + location.hostname)).text()`)}SECRET`;
      const paths: string[] = [];
      const file = async (path: string) => {
        paths.push(path);
        return { type: 'text/html', size: html.length, content: Buffer.from(html) };
      };
      const parsed = parsePdfRequest({ html, ...written });
      if (!parsed.ok) throw new Error('it is not');
      const held = renderer.render(onlyPart(parsed.request), {
        tenant: 'ann',
        content: { files: { entry: '/', file } },
      });
      const host = await named.promise;
      const urls = [
        `http://${host}/`, `http://${host}:80/`, `http://${host.toUpperCase()}/`, `http://${host}./`, `http://${host}../`, `http://x@${host}/`,
        `http://%${host.charCodeAt(0).toString(16)}${host.slice(1)}/`, `https://${host}/`, `http://${host}:443/`, `http://x.${host}/`,
      ].flatMap((url, n) => [`${url}theirs/${n}`, `${site.origin}/go?${encodeURIComponent(`${url}theirs/${n}`)}`]); // prettier-ignore
      // Sockets are not awaited, since the browser delays them when one has failed.
      const tries = `for (const url of ${JSON.stringify(urls)}) {
        await fetch(url, { mode: 'no-cors' }).catch(() => 0);
        await fetch(url, { method: 'POST', mode: 'no-cors' }).catch(() => 0);
        await new Promise((done) => { const i = new Image(); i.onload = i.onerror = done; i.src = url });
        new WebSocket(url.replace(/^http/, 'ws'));
        const frame = document.createElement('iframe'); frame.src = url; document.body.append(frame);
      } return 'tried'`;
      // The one is in about:blank, the other at an origin of its own.
      const seen = await textOf(
        renderer,
        { html: writes((other === 'ann' ? '' : 'localStorage;') + tries), ...written },
        other,
      );
      expect(seen).toContain('v: tried');
      expect(seen).not.toContain('SECRET');
      const moved = { html: `<script>location.href = 'http://${host}/theirs'</script>` };
      expect(await renderBody(renderer, moved, other)).toMatchObject({ kind: 'reject', code: 'navigation_failed' });
      const url = `http://${host}/theirs`;
      expect(await renderBody(renderer, { url }, other)).toMatchObject({ code: 'navigation_failed' });
      isOver.resolve();
      expect(await held).toMatchObject({ kind: 'done' });
      expect(paths).toEqual(['/', '/mine']);
    },
  );
});
