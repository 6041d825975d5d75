import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { RendererOptions } from '../../src/render/renderer.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40"/></svg>';
const requests: string[] = [];
const site = await startSite((request, response) => {
  requests.push(request.url ?? '');
  if (request.url?.endsWith('.css')) response.writeHead(200, { 'content-type': 'text/css' }).end('p { color: red }');
  else response.writeHead(200, { 'content-type': 'image/svg+xml', 'access-control-allow-origin': '*' }).end(SVG);
});
const { origin } = site;

beforeEach(() => void (requests.length = 0));

async function start(env: Record<string, string> = {}, overrides: Partial<RendererOptions> = {}) {
  const { renderer, lines } = await createRenderer({ RENDER_ISOLATION: 'static', ...site.env, ...env }, overrides);
  await renderer.start();
  onTestFinished(() => renderer.stop());
  const kinds = () => lines.flatMap((line) => /"kind":"(warm|spare|cold)"/.exec(line)?.[1] ?? []);
  return { renderer, lines, kinds };
}

/** Documents that stay where they are, and can neither run a script nor load anything. */
const STATIC = [
  '<!doctype html><h1>Invoice</h1><table><tr><td>1</table>',
  '<a href="https://example.com">a link is no resource</a>',
  '<img alt="x" src="data:image/png;base64,iVBORw0KGgo=">',
  '<style>@font-face { font-family: f; src: url(data:font/woff2;base64,AAAA) } p { background: url("data:,x") }</style><p>x',
  `<svg width="9" height="9"><filter id="f"></filter><rect filter="url(#f)" width="9" height="9"/></svg>`,
  '<img alt="it has no base here" src="logo.png">',
];

/** What a page that tenants share must not have: by scripts, frames, declarations. */
const ACTIVE = [
  '<script>0</script>',
  '<p onclick="x()">x',
  '<a href="javascript:x()">x</a>',
  '<iframe srcdoc="x"></iframe>',
  '<object data="data:text/html,x"></object>',
  '<embed src="data:text/html,x">',
  '<meta http-equiv="refresh" content="9;url=about:blank"><p>x',
  '<meta name="referrer" content="no-referrer"><p>x',
  '<style>@media (scripting: none) { p { color: red } }</style><p>x',
];

/** The same by the request. */
const SETTINGS = [
  { viewport: { width: 300, height: 300 } },
  { userAgent: 'theirs' },
  { cookies: [{ name: 'a', value: '1', url: origin }] },
  { setExtraHTTPHeaders: { 'x-a': '1' } },
  { rejectResourceTypes: ['image'] },
  { addScriptTag: [{ content: '0' }] },
  { waitForFunction: { fn: '1' } },
  { addStyleTag: [{ url: `${origin}/a.css` }] },
  { options: { displayHeaderFooter: true, headerTemplate: '<img src="x" onerror="y()">' } },
];

/** Ways in which a static document asks for something; some are not seen before it does. */
const LOADING = [
  (url: string) => `<img src="${url}">`,
  (url: string) => `<img src=${url}>`,
  (url: string) => `<img srcset="${url} 2x, ${url} 1x">`,
  (url: string) => `<img src="${url.replace('http://', 'HTTP:\\\\')}">`,
  (url: string) => `<img src="&#104;ttp://${url.slice(7)}">`,
  (url: string) => `<p style="background: url(${url})">x`,
  (url: string) => `<p style="background: url('${url}')">x`,
  (url: string) => String.raw`<style>p { background: u\72l("${url}") }</style><p>x`,
  (url: string) => String.raw`<style>p { background: url("\68ttp://${url.slice(7)}") }</style><p>x`,
  (url: string) => `<style>p { background: image-set("${url}" 1x) }</style><p>x`,
  (url: string) => `<style>@import "${url}.css";</style><p>x`,
  (url: string) => String.raw`<style>@\69mport "${url}.css";</style><p>x`,
  (url: string) => `<link rel=stylesheet href="${url}.css"><p>x`,
  (url: string) => `<style>@font-face { font-family: f; src: url(${url}) } p { font-family: f }</style><p>x`,
  (url: string) => `<svg><image href="${url}" width="9" height="9"/></svg>`,
  (url: string) => `<svg><image xlink:href="${url}" width="9" height="9"/></svg>`,
  (url: string) =>
    `<svg><filter id="f"><feImage href="${url}"/></filter><rect filter="url(#f)" width="9" height="9"/></svg>`,
  (url: string) => `<table background="${url}"><td>x</table>`,
  (url: string) => `<ul style="list-style-image: url(${url})"><li>x</ul>`,
  (url: string) => `<base href="${origin}/"><img src="${url.slice(origin.length)}">`,
  (url: string) => `<input type="image" src="${url}">`,
];

describe('RENDER_ISOLATION=static', () => {
  it('lets static documents of all tenants share a page', async () => {
    const { renderer, kinds } = await start();
    for (const [number, html] of STATIC.entries()) await pdfOf(renderer, { html }, `tenant ${number}`);
    expect(kinds()).toEqual(['cold', ...STATIC.slice(1).map(() => 'warm')]);
  });

  it('gives every other document a page of its own tenant', async () => {
    const { renderer, kinds } = await start();
    await pdfOf(renderer, { html: STATIC[0] }, 'ann');
    const bodies = [
      ...ACTIVE.map((html) => ({ html })),
      ...SETTINGS.map((settings) => ({ html: '<p>x', ...settings })),
    ];
    for (const [number, body] of bodies.entries()) await renderBody(renderer, body, `tenant ${number}`);
    expect(kinds()).toEqual(['cold', ...bodies.map(() => 'cold')]);
    await pdfOf(renderer, { html: STATIC[0] }, 'bob');
    expect(kinds().at(-1)).toBe('warm'); // still the first one
  });

  it('prints a document that loads something on a page of its own tenant, in whatever way it says so', async () => {
    const { renderer, lines } = await start();
    for (const [number, write] of LOADING.entries()) {
      requests.length = 0;
      const path = `/${number}.svg`;
      const html = write(`${origin}${path}`);
      await pdfOf(renderer, { html }, 'ann');
      const found = [...new Set(requests.map((url) => url.replace('.css', '')))];
      expect({ html, requests: found }).toEqual({ html, requests: [path] });
      // It has left nothing on the page that all share.
      const plain = await pdfOf(renderer, { html: STATIC[0] }, 'bob');
      expect((await readPdf(Buffer.concat(plain.chunks))).text.join(' ')).toMatch(/^Invoice/);
    }
    expect(lines.filter((line) => line.includes('"egress.denied"'))).toEqual([]);
  });

  it('closes a page that tenants share after so many documents', async () => {
    const { renderer, kinds } = await start({}, { shared: { documents: 3, ms: 60_000 } });
    for (let number = 0; number < 7; number++) await pdfOf(renderer, { html: '<p>x' }, `tenant ${number}`);
    expect(kinds()).toEqual(['cold', 'warm', 'warm', 'cold', 'warm', 'warm', 'cold']);
  });

  it('closes it so long after the first one', async () => {
    const { renderer, kinds } = await start({}, { shared: { documents: 100, ms: 0 } });
    for (let number = 0; number < 3; number++) await pdfOf(renderer, { html: '<p>x' }, `tenant ${number}`);
    expect(kinds()).toEqual(['cold', 'cold', 'cold']);
  });

  it('shares no page under `tenant`', async () => {
    const { renderer, kinds } = await start({ RENDER_ISOLATION: 'tenant' });
    for (const tenant of ['ann', 'bob']) await pdfOf(renderer, { html: '<p>x' }, tenant);
    expect(kinds()).toEqual(['cold', 'cold']);
  });
});
