import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayNeedBase } from '../../src/render/relative-addresses.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const png =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const site = await startSite((_, response) => {
  response.writeHead(200, { 'content-type': 'text/css' }).end('p { background: url(data:image/png;base64,) }');
});
const { renderer } = await createRenderer(site.env);
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const RELATIVE = 'relative_address: it has no base here; use an absolute URL, a data: URL or <base href>';

/** Ways to name a resource: of an address, what a document has for it. */
const WAYS: Record<string, (address: string) => string> = {
  img: (a) => `<img src="${a}">`,
  'without quotes': (a) => `<img src=${a}>`,
  'with spaces': (a) => `<IMG SRC = " ${a} ">`,
  srcset: (a) => `<img srcset="${png} 1x, ${a} 2x">`,
  'srcset of one': (a) => `<img srcset="${a}">`,
  picture: (a) => `<picture><source srcset="${a} 2x"><img></picture>`,
  'input image': (a) => `<input type="image" src="${a}">`,
  stylesheet: (a) => `<link rel="stylesheet" href="${a}">`,
  script: (a) => `<script src="${a}"></script>`,
  iframe: (a) => `<iframe src="${a}"></iframe>`,
  object: (a) => `<object data="${a}"></object>`,
  embed: (a) => `<embed src="${a}">`,
  poster: (a) => `<video poster="${a}"></video>`,
  video: (a) => `<video src="${a}"></video>`,
  'table background': (a) => `<table background="${a}"><tr><td>x</table>`,
  'svg image': (a) => `<svg><image href="${a}"/></svg>`,
  'svg image, xlink': (a) => `<svg><image xlink:href="${a}"/></svg>`,
  'svg use': (a) => `<svg><use href="${a}#part"/></svg>`,
  'style attribute': (a) => `<p style="background: url('${a}')">x</p>`,
  'style attribute with entities': (a) => `<p style="background: url(&quot;${a}&quot;)">x</p>`,
  'style sheet': (a) => `<style>p { background: url(${a}) }</style><p>x</p>`,
  'before an element': (a) => `<style>p::before { content: url("${a}") }</style><p>x</p>`,
  'in a media query': (a) => `<style>@media print { p { list-style-image: url('${a}') } }</style><p>x</p>`,
  'image-set': (a) => `<style>p { background: image-set("${a}" 1x) }</style><p>x</p>`,
  '@import': (a) => `<style>@import "${a}";</style>`,
  'font-face': (a) =>
    `<style>@font-face { font-family: "A B"; src: url(${a}) } p { font-family: "A B" }</style><p>x</p>`,
  'made by a script': (a) => `<script>document.write('<i'); document.write('mg src="${a}">')</script>`,
};
const ADDRESSES = ['logo.png', '/a/logo.png', './logo.png?v=1', '../x', '//cdn.example.com/logo.png'];

const failuresOf = async (body: object) => (await pdfOf(renderer, body)).failedResources;

describe('a relative address in a document that has no base', () => {
  it.each(Object.entries(WAYS))('has failed: %s', async (_, of) => {
    const html = ADDRESSES.map((address) => of(address)).join('\n');
    const failures = await failuresOf({ html: `<!doctype html>${html}` });
    const expected = ADDRESSES.map((address) => ({
      url: address.replace(/\?.*/, ''),
      reason: RELATIVE,
    }));
    expect(failures.toSorted((a, b) => a.url.localeCompare(b.url))).toEqual(
      expected.toSorted((a, b) => a.url.localeCompare(b.url)),
    );
  });

  it('fails the document, if asked to', async () => {
    expect(await renderBody(renderer, { html: '<img src="logo.png">', failOnResourceError: true })).toMatchObject({
      code: 'resource_failed',
      message: `resources of the document failed:\nlogo.png - ${RELATIVE}`,
    });
  });

  it.each<[string, string, object?]>([
    ['a base', `<base href="${site.origin}/"><link rel="stylesheet" href="style.css">`],
    ['absolute and data: addresses', `<link rel="stylesheet" href="${site.origin}/style.css"><img src="${png}">`],
    ['links', '<a href="/other">x</a><a href="page.html#x">x</a>'],
    ['fragments', '<svg><defs><filter id="f"/></defs><g id="a"/><use href="#a"/><rect filter="url(#f)"/></svg>'],
    ['empty addresses', '<img src=""><script src=""></script>'],
    ['a font that no text wants', '<style>@font-face { font-family: f; src: url(f.woff) }</style><p>x</p>'],
    ['a rule that nothing fits', '<style>.unused { background: url(b.png) }</style><p>x</p>'],
    ['words', '<p>src="logo.png" url(logo.png)</p><!-- <img src="logo.png"> -->'],
    [
      'a script that may not run',
      '<script>document.write(\'<img src="logo.png">\')</script>',
      { setJavaScriptEnabled: false },
    ],
  ])('is none: %s', async (_, html, body = {}) => {
    expect(await failuresOf({ html, ...body })).toEqual([]);
  });

  it('is distinguished from an invalid URL', async () => {
    expect(await failuresOf({ html: '<img src="x://[">' })).toEqual([
      { url: 'x://[', reason: 'invalid_address: it is no URL' },
    ]);
  });

  it.each([
    '<h1>Hello</h1>',
    `<p style="color: red">x</p><a href="https://example.com/">x</a><a href="#x">x</a><img src="${png}">`,
    '<style>@font-face { src: url(data:font/woff2;base64,AAAA) } p { background: url("https://example.com/a.png") }</style>',
  ])('is not searched for in %s', (html) => {
    expect(mayNeedBase(html)).toBe(false);
  });
});

describe('a byte order mark before html', () => {
  it('is not printed, and leaves the doctype what it is', async () => {
    const html =
      '<!DOCTYPE html><p id="x">mode</p><script>document.getElementById("x").append(" ", document.compatMode)</script>';
    for (const mark of ['', '\uFEFF']) {
      const pdf = await pdfOf(renderer, { html: mark + html });
      expect((await readPdf(Buffer.concat(pdf.chunks))).text).toEqual(['mode CSS1Compat']);
    }
  });
});
