import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { withFontFiles } from '../../src/render/embedded-fonts.ts';

const FONT = Buffer.from(Array.from({ length: 60_000 }, (_, index) => (index * 7) % 256));
const OTHER = Buffer.from(FONT.toReversed());
const ORIGIN = 'http://x.pdfprompt.internal';

const url = (font = FONT, type = 'font/woff2') => `data:${type};base64,${font.toString('base64')}`;
const pathOf = (font = FONT, type = 'font/woff2') =>
  `${ORIGIN}/embedded-font-${createHash('sha256').update(type).update(',').update(font).digest('hex')}`;
const face = (source: string) => `@font-face { font-family: f; src: ${source}; font-weight: 300 }`;
const page = (css: string) => `<!doctype html><style>${css}</style><p>text`;

describe('the fonts of a static document', () => {
  it.each<[string, (source: string) => string]>([
    ['plain', (source) => page(face(`url(${source})`))],
    ['quoted', (source) => page(face(`url("${source}") format("woff2")`))],
    ['quoted once, with spaces', (source) => page(face(`url( '${source}' )`))],
    ['after a local one', (source) => page(face(`local("Some Font"), local(Other), url(${source}) format(woff2)`))],
    ['in capitals', (source) => `<STYLE media="print">@FONT-FACE { SRC: URL(${source}) }</STYLE>`],
    ['of an SVG', (source) => `<svg><style type="text/css">${face(`url(${source})`)}</style></svg>`],
    ['after a comment', (source) => page(`/* fonts */ ${face(`url(${source})`)} p { color: red }`)],
    ['after other styles', (source) => `<style>p {}</style><title>t</title>${page(face(`url(${source})`))}`],
    [
      'beside a picture',
      (source) => page(`${face(`url(${source})`)} p { background: url(data:image/svg+xml;base64,PHN2Zz4=) }`),
    ],
    [
      'of another size',
      (source) => page(`${face(`url(${source})`)} q { background: url(data:image/png;base64,AAAA) }`),
    ],
  ])('become files: %s', async (_, make) => {
    for (const font of [FONT, FONT.subarray(1), FONT.subarray(2)]) {
      const found = withFontFiles(make(url(font)));
      expect(found?.html(ORIGIN)).toBe(make(pathOf(font)));
      const file = await found?.files.file(new URL(pathOf(font)).pathname);
      expect(file).toEqual({ type: 'font/woff2', size: font.byteLength, content: font });
      expect(await found?.files.file('/other')).toBeUndefined();
    }
  });

  it.each([
    'font/ttf',
    'font/otf',
    'application/font-woff',
    'application/x-font-ttf',
    'application/octet-stream',
    'font/woff2;charset=utf-8',
  ])('become files: %s', (type) => {
    expect(withFontFiles(page(face(`url(${url(FONT, type)})`)))?.html(ORIGIN)).toBe(page(face(`url(${pathOf(FONT, type.replace(/;.*/, ''))})`))); // prettier-ignore
  });

  it('become files: several, of which two are the same, and of which one has two sources', async () => {
    const make = (one: string, two: string) =>
      page(
        `${face(`url(${one})`)} ${face(`url('${two}') format('woff2'), url('${one}') format('woff')`)} ${face(`url(${two})`)}`,
      );
    const found = withFontFiles(make(url(), url(OTHER)));
    expect(found?.html(ORIGIN)).toBe(make(pathOf(), pathOf(OTHER)));
    expect(found?.files.key?.split(',')).toHaveLength(2);
    expect(withFontFiles(make(url(), url()))?.files.key).not.toBe(found?.files.key);
  });

  it.each<[string, string]>([
    ['small ones', page(face(`url(${url(FONT.subarray(0, 9_000))})`))],
    ['cut into lines', page(face(`url("${url().slice(0, 400)}\\\n${url().slice(400)}")`))],
    ['a content that is no base64', page(face(`url(${url().slice(0, 40_000)}%2B${url().slice(40_000)})`))],
    ['another alphabet', page(face(`url(${url().replaceAll('+', '-').replaceAll('/', '_')})`))],
    ['a wrong padding', page(face(`url(${url()}=)`))],
    ['not closed', page(`@font-face { src: url(${url()}`)],
    ['an image', page(`p { background: url(data:image/png;base64,${FONT.toString('base64')}) }`)],
    ['an image called a font', page(`p { background: url(${url()}) }`)],
    ['a text', `<!doctype html><p>src: url(${url()})`],
    ['an attribute', `<!doctype html><p style="src: url(${url()})">`],
    ['a text that looks like a style sheet', `<textarea>${page(face(`url(${url()})`))}</textarea>`],
    ['a title that looks like a style sheet', `<title>${page(face(`url(${url()})`))}</title>`],
    ['for a margin box', page(`${face(`url(${url()})`)} @page { @top-left { content: "x"; font-family: f } }`)],
    ['for what is laid out only in print', page(`${face(`url(${url()})`)} p { content-visibility: auto }`)],
    ['for a style sheet elsewhere', `<link rel="stylesheet" href="a.css">${page(face(`url(${url()})`))}`],
    ['for one that is imported', page(`@import "a.css"; ${face(`url(${url()})`)}`)],
    ['under a condition', page(`@media (max-width: 760px) { ${face(`url(${url()})`)} }`)],
    ['beside one from elsewhere', page(`${face(`url(${url()})`)} ${face('url(https://example.com/a.woff2)')}`)],
    [
      'with two sources, beside one from elsewhere',
      page(
        `${face(`url(${url()}) format("woff2"), url(${url(OTHER)}) format("woff")`)} ${face('url(https://example.com/a.woff2)')}`,
      ),
    ],
    [
      'in a picture',
      `<img src='data:image/svg+xml;utf8,<svg xmlns="http://www.w3.org/2000/svg"><style>${face(`url(${url()})`)}</style></svg>'>`,
    ],
    [
      'in a picture that is a background',
      `<p style='background:url(&quot;data:image/svg+xml,<svg><style>${face(`url(${url()})`)}</style></svg>&quot;)'>`,
    ],
    ['beside a small one', page(`${face(`url(${url()})`)} ${face(`url(${url(FONT.subarray(0, 300))})`)}`)],
    ['a value that is no source', page(`:root { --src: url(${url(FONT, 'application/octet-stream')}) }`)],
    ['a text in a style sheet', page(`p::before { content: 'src: url(${url()})' }`)],
    ['a style sheet that is shown', `<style style="display: block">${face(`url(${url()})`)}</style>`],
    ['for a while only', page(`@font-face { font-display: fallback; src: url(${url()}) }`)],
    ['for a while only, behind a comment', page(`@font-face { font-display:/**/optional; src: url(${url()}) }`)],
    ['there at once or not at all', page(`@font-face { font-display: optional; src: url(${url()}) }`)],
  ])('stay: %s', (_, html) => {
    expect(withFontFiles(html)).toBeUndefined();
  });
});
