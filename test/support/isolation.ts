import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/load.ts';
import { readPdf } from './pdf.ts';
import { eventually } from './processes.ts';
import { createRenderer, pdfOf } from './renderer.ts';
import { startSite } from './site.ts';

/** Everything a page can leave behind, and what the next one finds of it; printed. */
const PAGE = `<!doctype html><body><script>
const open = () => new Promise((done, failed) => {
  const request = indexedDB.open('left', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('things');
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});
const kept = (db) => new Promise((done) => {
  const request = db.transaction('things').objectStore('things').get('secret');
  request.onsuccess = () => done(request.result);
});
(async () => {
  const db = await open();
  const found = {
    cookie: document.cookie.includes('left='),
    localStorage: localStorage.getItem('left') !== null,
    sessionStorage: sessionStorage.getItem('left') !== null,
    indexedDB: (await kept(db)) !== undefined,
    cacheStorage: await caches.has('left'),
    serviceWorker: (await navigator.serviceWorker.getRegistrations()).length > 0,
    global: window.left !== undefined,
    name: window.name !== '',
    cache: await (await fetch('/cached')).text() !== new URLSearchParams(location.search).get('nonce'),
  };
  document.cookie = 'left=1; max-age=3600';
  localStorage.setItem('left', 1);
  sessionStorage.setItem('left', 1);
  await new Promise((done) => {
    const writing = db.transaction('things', 'readwrite');
    writing.objectStore('things').put(1, 'secret');
    writing.oncomplete = done;
  });
  await caches.open('left');
  await navigator.serviceWorker.register('/worker.js');
  await navigator.serviceWorker.ready;
  window.left = 1;
  window.name = 'left';
  setInterval(() => fetch('/tick'), 50);
  document.body.textContent = 'found: ' + Object.keys(found).filter((key) => found[key]).join(' ') + ' end';
  document.body.id = 'done';
})();
</script>`;

/** What a request can do to its page, beside the settings that puppeteer calls so. */
const OF_THE_PAGE = {
  addStyleTag: [{ content: 'p { display: none }' }],
  addScriptTag: [{ content: 'window.theirs = 1' }],
  waitForFunction: { fn: 'window.theirs = 1' },
  rejectResourceTypes: ['image'],
  rejectRequestPattern: ['*/plain'],
  emulateMediaFeatures: [{ name: 'prefers-color-scheme', value: 'dark' }],
  failOnConsoleError: true,
  bestAttempt: true,
  singlePage: true,
};

let nonce = 0;
let ticks = 0;
/** of each request for /plain */
const cookies: string[] = [];
const { origin: site, env } = await startSite((request, response) => {
  if (request.url === '/cached')
    response.writeHead(200, { 'cache-control': 'max-age=3600', 'content-type': 'text/plain' }).end(String(nonce));
  else if (request.url === '/worker.js')
    response.writeHead(200, { 'content-type': 'text/javascript' }).end('self.addEventListener("fetch", () => {});');
  else if (request.url === '/plain') {
    cookies.push(request.headers.cookie ?? '');
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>plain</p>');
  } else if (request.url?.startsWith('/late'))
    response.writeHead(200, { 'content-type': 'image/png', 'set-cookie': 'late=1; max-age=3600' }).end();
  else if (request.url === '/tick') {
    ticks++;
    response.end();
  } else response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'kept=1; HttpOnly' }).end(PAGE);
});

/** What one document leaves to the next, looked for in each way, in one mode. */
export function describeIsolation(mode: Config['renderIsolation']): void {
  describe(`RENDER_ISOLATION=${mode}`, () => {
    const started = createRenderer({ RENDER_ISOLATION: mode, ...env });
    beforeAll(async () => (await started).renderer.start());
    afterAll(async () => (await started).renderer.stop());
    const read = async (body: object, tenant?: string) => {
      const { renderer } = await started;
      const pdf = await pdfOf(renderer, body, tenant);
      return (await readPdf(Buffer.concat(pdf.chunks))).text.join(' ').replaceAll(/\s+/g, ' ').trim();
    };
    const visit = (tenant: string) => {
      nonce++;
      return read(
        { url: `${site}/?nonce=${nonce}`, waitForSelector: { selector: '#done', timeout: 60_000 }, timeoutMs: 90_000 },
        tenant,
      );
    };
    const kinds = async () => (await started).lines.flatMap((line) => /"kind":"(\w+)"/.exec(line)?.[1] ?? []);

    it('a page of a site leaves nothing to the next job of its tenant, nor to another tenant: cookies, storage, databases, caches, service workers, globals, timers', async () => {
      expect(await visit('ann')).toBe('found: end');
      expect(await visit('ann')).toBe('found: end');
      expect(await visit('bob')).toBe('found: end');
      // What is still being wiped has its time; a timer that is left ticks every 50 ms.
      const areStill = async () => {
        const before = ticks;
        await sleep(500);
        return ticks === before;
      };
      await eventually(areStill, 30_000, 'no timer of theirs runs');
    });

    it('a script of a document leaves nothing to the next: globals, the window\u2019s name, its history, timers, listeners', async () => {
      const html = `<body><script>
      const found = [typeof window.left, JSON.stringify(window.name), history.length];
      document.body.textContent = 'found: ' + found.join(' ') + ' end';
      window.left = 1;
      window.name = 'left';
      setInterval(() => document.body.append('ghost'), 10);
      try { history.pushState(1, ''); } catch { location.hash = 'left'; }
    </script>`;
      // Each begins with a history of two, so that it cannot close its window.
      const first = await read({ html }, 'ann');
      expect(first).toMatch(/^found: undefined "" 2 end/);
      for (const tenant of ['ann', 'ann', 'bob'])
        expect(await read({ html }, tenant)).toMatch(/^found: undefined "" 2 end/);
      expect(await read({ html: '<p>plain</p>', waitForTimeout: 100 }, 'ann')).toBe('plain');
    });

    it('a document without scripts leaves nothing to the next: policies, base, styles, quirks, anchors', async () => {
      const image = `<img alt="missing" src="data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40"/></svg>')}">`;
      const plain = `<!doctype html><link rel="stylesheet" title="mine" href="data:text/css,p{font-weight:bold}"><p>text</p>${image}`;
      const fresh = await contentOf(plain, 'first');
      const leavers = [
        `<meta http-equiv="Content-Security-Policy" content="img-src 'none'; style-src 'none'"><p>policy</p>`,
        '<meta http-equiv="refresh" content="0;url=data:text/html,gone"><p>x</p>',
        '<meta name="referrer" content="no-referrer"><p>x</p>',
        `<meta content="img-src 'none'; style-src 'none'" x=">" http-equiv="Content-Security-Policy"><p>hidden policy</p>`,
        '<meta content="3;url=about:blank" x=">" http-equiv=refresh><p>x</p>',
        '<link x=a" y=">" rel="stylesheet" title="theirs" href="data:text/css,p{color:red}"><p>x</p>',
        '<style/title="theirs">p { color: red }</style><p>x</p>',
        '<meta http-equiv="Content-Language" content="ar"><p>x</p>',
        '<base href="https://example.invalid/"><p>x</p>',
        '<link rel="stylesheet" title="theirs" href="data:text/css,p{color:red}"><p>x</p>',
        '<p>quirks</p><table width=100%><td bgcolor=red>x</table>',
        '<!doctype html><style>@page{size:A6}@font-face{font-family:X;src:url(data:font/woff2,x)}*{color:red!important}</style><p>x</p>',
        '<!doctype html><html lang=ar dir=rtl style="zoom:2"><p>x</p>',
      ];
      for (const leaver of leavers) {
        await read({ html: leaver }, 'ann');
        expect({ leaver, content: await contentOf(plain, 'ann') }).toEqual({ leaver, content: fresh });
      }
    });

    it('what a document begins when it has been printed does not reach the next: late requests, their cookies', async () => {
      const late = `<p>late</p><script>setInterval(() => { new Image().src = '${site}/late?' + Math.random(); }, 20)</script>`;
      const style = `<style>@keyframes k { 99% { background: none } 100% { background: url(${site}/later) } } p { animation: k 300ms forwards }</style><p>later</p>`;
      for (const html of [late, style]) {
        await read({ html }, 'eve');
        await sleep(400);
        cookies.length = 0;
        await read({ url: `${site}/plain` }, 'eve');
        expect(cookies).toEqual(['']);
      }
    });

    it('what one job asks of its page is not the next one\u2019s: media, viewport, headers, user agent, cookies, tags, features, rejections, console, one page', async () => {
      const asked = {
        emulateMediaType: 'screen',
        viewport: { width: 300, height: 300 },
        userAgent: 'theirs',
        setExtraHTTPHeaders: { 'x-theirs': '1' },
        cookies: [{ name: 'theirs', value: '1', url: site }],
        ...OF_THE_PAGE,
      };
      const html = `<meta http-equiv="Content-Security-Policy" content="font-src 'none'"><style>@media screen{p{display:none}} @media (prefers-color-scheme: dark) {p{display:none}} @font-face{font-family:f;src:url(data:font/woff2;base64,AAAA)}</style><p>print</p><img src="${site}/plain"><script>console.error(1); document.write(innerWidth, navigator.userAgent === 'theirs', typeof window.theirs, document.adoptedStyleSheets.length)</script>`;
      const before = await read({ html }, 'ann');
      await read({ html: '<b>x</b>', ...asked }, 'ann');
      await read({ html: '<b>x</b>', emulateMediaType: 'screen' }, 'ann');
      // Each by itself too, since together they replace the page.
      for (const [name, value] of Object.entries(OF_THE_PAGE)) await read({ html: '<b>x</b>', [name]: value }, 'ann');
      expect(await read({ html }, 'ann')).toBe(before);
      expect(before).toBe('print 800falseundefined0');
    });

    it('pages are used again as this mode allows, and only so', async () => {
      const { lines } = await started;
      lines.length = 0;
      for (const tenant of ['cid', 'cid', 'dan']) await read({ html: '<p>x</p>' }, tenant);
      const expected = {
        tenant: ['cold', 'warm', 'cold'],
        job: ['cold', 'cold', 'cold'],
        shared: ['warm', 'warm', 'warm'],
        static: ['warm', 'warm', 'warm'],
      };
      expect(await kinds()).toEqual(expected[mode]);
    });

    async function contentOf(html: string, tenant: string): Promise<string> {
      const { renderer } = await started;
      const bytes = Buffer.concat((await pdfOf(renderer, { html }, tenant)).chunks).toString('latin1');
      return bytes.replaceAll(/\/(?:Creation|Mod)Date \([^)]*\)/g, '');
    }
  });
}
