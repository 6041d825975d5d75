/** @module-tag long */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const FINAL = '<p id="final">FINAL</p>';
const PAGES: Record<string, string> = {
  final: FINAL,
  image: `${FINAL}<img src="/slow.svg">`,
  hop: 'hop<script>onload = () => location.replace("/hop-again")</script>',
  'hop-again': 'hop<form action="/final" method="post"></form><script>document.forms[0].submit()</script>',
};
const MANY = 30;
const STYLES: Record<string, string> = {
  'first.css': '@import "second.css";',
  'second.css': Array.from({ length: MANY }, (_, n) => `#i${n} { content: url("slow.svg?${n}"); }`).join(''),
};
/** Answered late, which shows whether a test waits. */
const LATE_MS = 300;
let loops = 0;
/** Each request is answered when the next one comes, so one is always on its way. */
const again: { count: number; previous?: ServerResponse } = { count: 0 };

const { origin: site, env } = await startSite((request, response) => {
  const path = (request.url ?? '/').slice(1).replace(/\?.*/, '');
  const html = (body: string, status = 200) => response.writeHead(status, { 'content-type': 'text/html' }).end(body);
  if (path === 'never.svg') return;
  if (path === 'slow.svg')
    setTimeout(() => {
      response
        .writeHead(200, { 'content-type': 'image/svg+xml' })
        .end('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="50"><text y="20">IMAGE</text></svg>');
    }, LATE_MS);
  else if (path === 'events')
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 42\n\n'); // and never ends
  else if (path in STYLES) response.writeHead(200, { 'content-type': 'text/css' }).end(STYLES[path]);
  else if (path === 'again') {
    again.count++;
    again.previous?.writeHead(200, { 'content-type': 'image/png' }).end();
    again.previous = response;
  } else if (path === 'nothing') response.writeHead(204).end();
  else if (path === 'broken') html('broken', 500);
  else if (path.startsWith('loop')) html(`loop<meta http-equiv="refresh" content="0;url=/loop${++loops}">`);
  else if (path === 'doc') html(decodeURIComponent((request.url ?? '').replace(/^[^?]*\?/, '')));
  else setTimeout(() => html(PAGES[path] ?? 'not found', PAGES[path] ? 200 : 404), LATE_MS);
});
const { renderer } = await createRenderer(env);
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

async function text(body: object): Promise<string> {
  const { chunks } = await pdfOf(renderer, body);
  return (await readPdf(Buffer.concat(chunks))).text.join(' ').replaceAll(/\s+/g, ' ').trim();
}

/** The same document by itself, and from a server. */
const both = (html: string) => [{ html }, { url: `${site}/doc?${encodeURIComponent(html)}` }];
const script = (code: string) => `<p id="final">FINAL</p><script>${code}</script>`;
const leaving = (code: string) => `start<script>${code}</script>`;

describe('a document that closes its window is printed', () => {
  it.each([
    ['before it is loaded', 'close()'],
    ['when it is loaded', 'onload = () => close()'],
    ['after it has printed itself', 'onload = () => { print(); setTimeout(() => window.close(), 10); }'],
    ['again and again, by all its names', 'setInterval(() => { self.close(); top.close(); parent.close(); }, 1)'],
    [
      'by what a frame has kept',
      'const frame = document.createElement("iframe"); document.documentElement.append(frame); frame.contentWindow.close.call(top)',
    ],
    ['after it has changed its history', 'history.replaceState(null, ""); location.replace("#a"); close()'],
    ['after it went back in its history', 'history.pushState(null, ""); history.back(); onpopstate = () => close()'],
    ['when it has been printed', 'onafterprint = () => close()'],
  ])('%s', async (_, code) => {
    for (const body of both(script(code))) expect(await text({ ...body, waitForTimeout: 60 })).toMatch(/FINAL/);
  });
});

describe('a document that goes elsewhere is followed', () => {
  const ways: [string, string][] = [
    ['a refresh', `start<meta http-equiv="refresh" content="0;url=${site}/final">`],
    ['a refresh with a base', `start<base href="${site}/"><meta http-equiv="refresh" content="0;url=final">`],
    ['location.replace', leaving(`location.replace("${site}/final")`)],
    ['location.assign when it is loaded', leaving(`onload = () => location.assign("${site}/final")`)],
    ['location.href a moment later', leaving(`onload = () => setTimeout(() => location.href = "${site}/final")`)],
    ['a form', `start<form action="${site}/final"></form><script>document.forms[0].submit()</script>`],
    ['past who asks whether to leave', leaving(`onbeforeunload = () => 'stay'; location.href = "${site}/final"`)],
    [
      'a blob',
      leaving(`onload = () => location.href = URL.createObjectURL(new Blob(['FINAL'], { type: 'text/html' }))`),
    ],
  ];
  it.each(ways)('by %s', async (_, html) => {
    for (const body of both(html)) expect(await text(body)).toBe('FINAL');
  });

  it('over several hops, whatever is waited for meanwhile', async () => {
    const html = `start<meta http-equiv="refresh" content="0;url=${site}/hop">`;
    for (const selector of [{}, { visible: true }, { timeout: 20_000 }])
      expect(await text({ html, waitForSelector: { selector: '#final', ...selector } })).toBe('FINAL');
    expect(await text({ html, waitForSelector: { selector: '#never', hidden: true } })).toBe('FINAL');
    expect(await text({ html, waitForTimeout: 400 })).toBe('FINAL');
    expect(await text({ html, gotoOptions: { waitUntil: 'networkidle0' } })).toBe('FINAL');
  });

  it('after a delay, if it is waited for by name', async () => {
    const html = leaving(`setTimeout(() => location.href = "${site}/final", 500)`);
    expect(await text({ html, waitForSelector: { selector: '#final' } })).toBe('FINAL');
  });

  it('and what it comes to is loaded', async () => {
    expect(await text({ html: `start<meta http-equiv="refresh" content="0;url=${site}/image">` })).toMatch(/IMAGE/);
  });

  it.each([
    ['an answer without content', () => script(`onload = () => location.href = "${site}/nothing"`)],
    [
      'a way that it breaks off',
      () => script(`onload = () => { location.href = "${site}/final?"; setTimeout(stop, 5); }`),
    ],
    ['itself, within', () => script('history.pushState(null, "", "#x"); history.back(); location.hash = "y"')],
    ['elsewhere when it has been printed', () => script(`onafterprint = () => location.href = "${site}/broken"`)],
  ])('not to %s', async (_, html) => {
    for (const body of both(html())) expect(await text(body)).toMatch(/FINAL/);
  });

  it.each([
    ['an error page', `${site}/broken`, 'document_status', /broken answered 500/],
    ['where it may not', 'http://169.254.169.254/latest', 'egress_denied', /169\.254\.169\.254\/latest could not be/],
    ['where nothing is', 'about:blank', 'navigation_failed', /about:blank/],
  ])('to %s: by name', async (_, url, code, message) => {
    for (const body of both(leaving(`onload = () => location.href = "${url}"`)))
      expect(await renderBody(renderer, body)).toMatchObject({
        kind: 'reject',
        code,
        message: expect.stringMatching(message),
      });
  });

  it('failOnStatus off: the error page it comes to is printed', async () => {
    expect(await text({ html: leaving(`location.href = "${site}/broken"`), failOnStatus: false })).toBe('broken');
  });

  it.each([
    ['reload', 'location.reload()'],
    ['its own URL', 'location.href = location.href'],
    ['its history', 'history.go(0)'],
  ])('anew, by %s', async (_, leave) => {
    const html = `<p id="p"></p><script>const n = +(sessionStorage.n ?? 0) + 1; sessionStorage.n = n; p.textContent = 'load ' + n;
      onload = () => { if (n < 3) ${leave} }</script>`;
    for (const body of both(html)) expect(await text(body)).toBe('load 3');
  });

  it('html to a file beside it, which is not there: it is printed', async () => {
    const html = `${script('onload = () => location.href = "beside.html"')}<iframe src="beside.html"></iframe>`;
    expect(await text({ html })).toBe('FINAL');
  });

  it('without end: by name, in time', async () => {
    for (const body of [{ url: `${site}/loop` }, { html: leaving(`location.href = "${site}/loop"`) }])
      expect(await renderBody(renderer, { ...body, timeoutMs: 1_000 })).toMatchObject({
        kind: 'reject',
        code: 'render_timeout',
      });
  });
});

describe('what is seen late is in the PDF', () => {
  const image = `<img src="${site}/slow.svg">`;
  it.each([
    ['an image further down', `<div style="height:5000px"></div><img loading="lazy" src="${site}/slow.svg">`],
    ['an image of the print styles', `<style>@media print { b { content: url(${site}/slow.svg) } }</style><b></b>`],
    ['a source for print', `<picture><source media="print" srcset="${site}/slow.svg"><img></picture>`],
    ['a frame further down', `<div style="height:5000px"></div><iframe loading="lazy" src="${site}/image"></iframe>`],
    ['an image that a script puts there', `<script>onload = () => document.body.innerHTML = '${image}'</script>`],
  ])('%s', async (_, html) => {
    for (const body of [...both(html), { html: `${html}<script>0</script>` }])
      expect(await text(body)).toMatch(/IMAGE/);
  });

  it('a style sheet that a script adds, one that it imports, and their many images', async () => {
    const add = `document.head.innerHTML += '<link rel="stylesheet" href="${site}/first.css">'`;
    const images = Array.from({ length: MANY }, (_, n) => `<b id="i${n}"></b>`).join('');
    for (const body of both(`${images}<script>onload = () => { ${add} }</script>`))
      expect((await text(body)).match(/IMAGE/g)).toHaveLength(MANY);
  });

  it('but what a script loads again and again is not waited for', async () => {
    const load = `() => { new Image().src = '${site}/again?' + Math.random(); }`;
    again.count = 0;
    expect(await text({ html: script(`onload = ${load}; setInterval(onload, 50)`) })).toBe('FINAL');
    expect(again.count).toBeGreaterThan(5);
    expect(again.count).toBeLessThan(100); // 5 s would be 100, and Chromium itself waits for 2 s before it prints
  });

  it('unless it never comes', async () => {
    const html = `FINAL<script>onload = () => document.body.innerHTML += '<img src="${site}/never.svg">'</script>`;
    expect(await text({ html, timeoutMs: 60_000 })).toMatch(/FINAL/);
  });

  it('with an event stream open: networkidle2', async () => {
    const html = `<p id="v">none</p><script>new EventSource("/events").onmessage = ({ data }) => v.textContent = data</script>`;
    const [, body] = both(html);
    expect(await text({ ...body, gotoOptions: { waitUntil: 'networkidle2' } })).toBe('42');
  });
});

describe('a document that does odd things ends', () => {
  it.each([
    ['opened and never closed', script('document.open(); document.write("FINAL")')],
    ['opened when it is loaded', script('onload = () => { document.open(); document.write("FINAL"); }')],
    ['stopped', `${script('window.stop()')}rest`],
    ['full of questions', script('alert(1); confirm(2); prompt(3)')],
  ])('%s', async (_, html) => {
    for (const body of both(html)) expect(await text(body)).toMatch(/FINAL/);
  });
});

describe('language and time zone', () => {
  const html = `<p id="p"></p><script>const day = new Date(Date.UTC(2024, 11, 31, 20));
    p.textContent = [day.toLocaleDateString(), (1234.5).toLocaleString(), navigator.language].join(' ')</script>`;
  const cases: [object, string][] = [
    [{ locale: 'de-DE', timezone: 'Asia/Tokyo' }, '1.1.2025 1.234,5 de-DE'],
    [{ timezone: 'UTC' }, '12/31/2024 1,234.5 en-US'], // nothing of the one before is left
    [
      { setExtraHTTPHeaders: { 'accept-language': 'en;q=0.2, de-DE;q=0.9' }, timezone: 'UTC' },
      '31.12.2024 1.234,5 de-DE',
    ],
    [{ timezone: 'UTC' }, '12/31/2024 1,234.5 en-US'],
  ];
  it('are the request’s, and of nobody after it', async () => {
    for (const [fields, found] of cases)
      for (const body of both(html)) expect(await text({ ...body, ...fields })).toBe(found);
  });
});
