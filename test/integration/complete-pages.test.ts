import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const asked: string[] = [];
let page = '';
const { origin: site, env } = await startSite((request, response) => {
  void (async () => {
    const path = request.url ?? '/';
    if (path === '/page') return void response.writeHead(200, { 'content-type': 'text/html' }).end(page);
    asked.push(path);
    await sleep(150); // late enough for a page that does not wait
    const headers = { 'access-control-allow-origin': '*' };
    if (path.endsWith('.css')) return void response.writeHead(200, { ...headers, 'content-type': 'text/css' }).end('@media print { i { background: url(/deep.svg) } }');
    response.writeHead(200, { ...headers, 'content-type': 'image/svg+xml' }).end(SVG(path));
  })();
}); // prettier-ignore
const SVG = (text: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><text y="20">${text}</text></svg>`;
const { renderer } = await createRenderer(env);
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const far = '<div style="height: 20000px"></div>';
/** What a page loads only when somebody scrolls, or prints. */
const LATE: Record<string, (url: string) => string> = {
  lazy: (url) => `${far}<img loading="lazy" src="${url}">`,
  lazyFrame: (url) => `${far}<iframe loading="lazy" srcdoc='<img loading="lazy" src="${url}">'></iframe>`,
  printOnly: (url) => `<style>#p { display: none } @media print { #p { display: block } }</style><img id="p" loading="lazy" src="${url}">`,
  printBackground: (url) => `<style>@media print { b { background: url(${url}) } }</style><b>x</b>`,
  printContent: (url) => `<style>@media print { b::after { content: url(${url}) } }</style><b>x</b>`,
  printSource: (url) => `<picture><source media="print" srcset="${url}"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></picture>`,
  printSheet: (url) => `<link rel="stylesheet" media="print" href="${url.replace('.svg', '.css')}"><i>x</i>`,
  visibility: (url) => `<style>section { content-visibility: auto; contain-intrinsic-size: 10px }</style>${far}<section><b style="background: url(${url})">x</b></section>`,
}; // prettier-ignore
const kinds = Object.keys(LATE);
const document = (base: string) => kinds.map((kind) => LATE[kind]?.(`${base}/${kind}.svg`)).join('\n');

describe('what a page would load late is there without being asked for', () => {
  it.each([
    ['html', (html: string) => ({ html })],
    ['html with scripts', (html: string) => ({ html: `${html}<script>1</script>` })],
    ['html with its scripts off', (html: string) => ({ html: `${html}<script>1</script>`, setJavaScriptEnabled: false })],
    ['html at an origin of its own', (html: string) => ({ html: `${html}<script>typeof localStorage</script>` })],
    ['a URL', () => ({ url: `${site}/page` })],
    ['a URL with scripts off', () => ({ url: `${site}/page`, setJavaScriptEnabled: false })],
    ['a single page', (html: string) => ({ html: html.replaceAll('20000px', '2000px'), singlePage: true })],
  ])('in %s', async (_, bodyOf) => {
    page = document(site);
    asked.length = 0;
    const { chunks } = await pdfOf(renderer, bodyOf(page));
    const expected = [...kinds.map((kind) => (kind === 'printSheet' ? '/printSheet.css' : `/${kind}.svg`)), '/deep.svg'];
    expect(asked.toSorted()).toEqual(expected.toSorted());
    const { text } = await readPdf(Buffer.concat(chunks));
    for (const name of ['/lazy.svg', '/printOnly.svg', '/printSource.svg', '/printContent.svg']) expect(text.join(' ')).toContain(name);
  }); // prettier-ignore
});
