import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentsPage } from '../support/document-examples.ts';
import { above, run, textsOf } from '../support/on-page.ts';
import { type PrintedDocument, readPages } from '../support/printed-pages.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';
import { wideFont } from '../support/wide-font.ts';

const { origin: site, env } = await startSite(({ url = '' }, response) => {
  response.setHeader('access-control-allow-origin', '*');
  if (url.endsWith('.svg'))
    response
      .writeHead(200, { 'content-type': 'image/svg+xml' })
      .end(
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><path d="M0 0h40v40H0z" fill="#ffd700"/></svg>',
      );
  else setTimeout(() => response.end(wideFont()), 500);
});
const { renderer } = await createRenderer(env);
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

async function print(css: string, body: string, options: object = {}): Promise<PrintedDocument> {
  const style = `@page { size: A5; margin: 20mm } body { margin: 0; font: 10pt/5mm sans-serif } p { margin: 0 } ${css}`;
  const html = `<!doctype html><html lang="en"><style>${style}</style>${body}`;
  const { chunks } = await pdfOf(renderer, { html, options: { preferCSSPageSize: true, ...options } });
  return readPages(Buffer.concat(chunks));
}

/** What Chromium cannot, and the same done in another way, so that it is seen if it is there. */
interface Limit {
  /** style sheet and body */
  cannot: [css: string, body: string];
  otherwise: [css: string, body: string];
  isSeen: (document: PrintedDocument) => boolean;
  options?: object;
}

const has =
  (text: string | RegExp, page = 0) =>
  ({ pages }: PrintedDocument) =>
    textsOf(pages[page]).some((each) => (typeof text === 'string' ? each.includes(text) : text.test(each)));
const inTopMargin =
  (text: string, page = 0) =>
  ({ pages }: PrintedDocument) =>
    above(pages[page], 20)?.some((each) => each.includes(text)) ?? false;
const atFoot = ({ pages }: PrintedDocument) => (pages[0]?.runs.find(({ text }) => text.includes('Note'))?.y ?? 0) > 150;
const twoPages = '<p>One</p><p style="break-before: page">Two</p>';
const fields = '<form><input value="typed"><select><option>chosen</select><textarea>written</textarea></form>';
const words = 'internationalization characteristically Donaudampfschifffahrtsgesellschaft anticonstitutionnellement';
const inLanguages = ['en', 'en-US', 'en-GB', 'de', 'fr'].map((lang) => `<p lang="${lang}">${words}</p>`).join('');
/** A font that takes its time, by a name that was not asked for before. */
const font = (name: string) => `@font-face { font-family: wide; src: url("${site}/${name}") }`;
const svg = `url("data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'><path d='M0 0h40v40H0z' fill='gold'/></svg>")`;

/** By the first cell of the row in docs/documents.md. */
const LIMITS: Record<string, Limit> = {
  '`float: footnote`': {
    cannot: ['i { float: footnote }', '<p>Text<i>Note</i></p>'],
    otherwise: ['i { position: fixed; bottom: 0 }', '<p>Text<i>Note</i></p>'],
    isSeen: atFoot,
  },
  '`target-counter()`': {
    cannot: [
      `a::after { content: ' on ' target-counter(attr(href url), page) }
       a.b::after { content: ' on ' target-counter(attr(href), page) } a.c::after { content: ' on ' target-counter(url('#x'), page) }`,
      '<a href="#x">See</a> <a class="b" href="#x">See</a> <a class="c" href="#x">See</a><p id="x" style="break-before: page">X</p>',
    ],
    otherwise: [`a::after { content: ' on 2' }`, '<a href="#x">See</a><p id="x" style="break-before: page">X</p>'],
    isSeen: has('on 2'),
  },
  '`leader()`': {
    cannot: [`p::after { content: leader('.') '7' }`, '<p>Ink</p>'],
    otherwise: [`p::after { content: '......7' }`, '<p>Ink</p>'],
    isSeen: has(/\.\.\.\.7/),
  },
  '`string-set`': {
    cannot: ['h1 { string-set: title content() } @page { @top-left { content: string(title) } }', '<h1>Ink</h1>'],
    otherwise: [`@page { @top-left { content: 'Ink' } }`, '<h1>Ink</h1>'],
    isSeen: inTopMargin('Ink'),
  },
  '`position: running()`': {
    cannot: ['p { position: running(head) } @page { @top-left { content: element(head) } }', '<p>Ink</p>'],
    otherwise: [`@page { @top-left { content: 'Ink' } }`, '<p>Ink</p>'],
    isSeen: inTopMargin('Ink'),
  },
  '`counter(chapter)` in page boxes': {
    cannot: [
      `h1 { counter-increment: chapter } @page { @top-left { content: 'No. ' counter(chapter) } }`,
      '<h1>Ink</h1>',
    ],
    otherwise: [`@page { counter-increment: chapter; @top-left { content: 'No. ' counter(chapter) } }`, '<h1>Ink</h1>'],
    isSeen: inTopMargin('No. 1'),
  },
  '`counter(page)` in the text': {
    cannot: [`p::after { content: ' is on ' counter(page) }`, twoPages],
    otherwise: [`p::after { content: ' is on 2' }`, twoPages],
    isSeen: has('Two is on 2', 1),
  },
  '`@page :nth()`': {
    cannot: [`@page :nth(2) { @top-left { content: 'second' } }`, twoPages],
    otherwise: [`@page :left { @top-left { content: 'second' } }`, twoPages],
    isSeen: inTopMargin('second', 1),
  },
  '`@page letter:first`': {
    cannot: [`@page letter:first { @top-left { content: 'first' } } p { page: letter }`, twoPages],
    otherwise: [`@page letter { @top-left { content: 'first' } } p { page: letter }`, twoPages],
    isSeen: inTopMargin('first', 1),
  },
  '`break-before: right`': {
    cannot: ['', '<p>One</p><p style="break-before: right">Two</p>'],
    otherwise: ['', '<p>One</p><p style="break-before: page">&nbsp;</p><p style="break-before: page">Two</p>'],
    isSeen: ({ pages }) => pages.length === 3,
  },
  '`bleed` and `marks`': {
    cannot: ['@page { bleed: 3mm; marks: crop }', '<p>Card</p>'],
    otherwise: ['@page { size: 174mm 236mm }', '<p>Card</p>'],
    isSeen: ({ pages }) => (pages[0]?.size[0] ?? 0) > 148,
  },
  '`background-image` of `@page`': {
    cannot: [`@page { background: ${svg} }`, '<p>Text</p>'],
    otherwise: ['@page { background: gold }', '<p>Text</p>'],
    isSeen: ({ pages }) => pages[0]?.paints.some(({ color }) => color === '#ffd700') ?? false,
  },
  'elements in the margins': {
    cannot: [
      'header { margin-top: -15mm } i { position: fixed; top: -10mm }',
      '<header>Head</header><i>Head</i><p>Text</p>',
    ],
    otherwise: ['@page { margin: 5mm }', '<header>Head</header><p>Text</p>'],
    isSeen: inTopMargin('Head'),
  },
  '`float: bottom`': {
    cannot: ['figure { float-reference: page; float: bottom; float: block-end }', '<figure>Note</figure><p>Text</p>'],
    otherwise: ['figure { position: absolute; top: 150mm }', '<figure>Note</figure><p>Text</p>'],
    isSeen: atFoot,
  },
  'fonts that only page boxes use': {
    cannot: [`${font('a')} @page { @top-left { content: 'MMM'; font-family: wide } }`, '<p>Text</p>'],
    otherwise: [
      `${font('b')} @page { @top-left { content: 'MMM'; font-family: wide } }`,
      '<i style="font-family: wide; position: absolute; visibility: hidden">M</i><p>Text</p>',
    ],
    isSeen: ({ pages }) => run(pages[0], 'MMM').right > 55, // with another font it ends at 31 mm
  },
  '`size: A6`': {
    cannot: ['@page { size: A6 }', '<p>Text</p>'],
    otherwise: ['@page { size: 105mm 148mm }', '<p>Text</p>'],
    isSeen: ({ pages }) => pages[0]?.size[0] === 105,
  },
  '`hyphens: auto`': {
    cannot: ['p { hyphens: auto; width: 20mm }', inLanguages],
    otherwise: ['p { width: 20mm }', '<p>inter&shy;national&shy;ization</p>'],
    isSeen: has(/[-‐]$/),
  },
  '`bookmark-label`': {
    cannot: [`p { bookmark-level: 1; bookmark-label: 'Mark' }`, '<h1>Head</h1><p>Text</p>'],
    otherwise: ['', '<h1>Head</h1><h2>Mark</h2>'],
    isSeen: ({ bookmarks }) => bookmarks.some((title) => title.endsWith('Mark')),
    options: { outline: true },
  },
  '`device-cmyk()`': {
    cannot: ['div { height: 10mm; background: gray; background: device-cmyk(0 1 0 0) }', '<div></div>'],
    otherwise: ['div { height: 10mm; background: #ff00ff }', '<div></div>'],
    isSeen: ({ pages }) => pages[0]?.paints[0]?.color !== '#808080',
  },
  'form fields': {
    cannot: ['', fields],
    otherwise: ['', '<a href="https://example.com/">A link is an annotation, as a field would be</a>'],
    isSeen: ({ pages }) => (pages[0]?.fields ?? 0) + (pages[0]?.links.length ?? 0) > 0,
  },
};

describe('what Chromium cannot', () => {
  const [, table = ''] = documentsPage.split('## What Chromium cannot');
  const rows = [...table.matchAll(/^\| (.+?) +\| .+ \| .+ \|$/gm)].map(([, cell]) => cell ?? '').slice(2);

  it('is tested row by row', () => {
    expect(rows).toEqual(Object.keys(LIMITS));
  });

  it.each(Object.entries(LIMITS))('%s', async (_, { cannot, otherwise, isSeen, options }) => {
    expect(isSeen(await print(...cannot, options))).toBe(false);
    expect(isSeen(await print(...otherwise, options))).toBe(true);
  });
});

/** Sentences of the page, and what shows that they are true. */
const SENTENCES: Record<string, () => Promise<void>> = {
  'Without it each page is fitted onto the paper of `format`': async () => {
    const css =
      '@page small { size: 100mm 100mm; margin: 5mm } .s { page: small } @page wide { size: A5 landscape } .w { page: wide }';
    const body = '<p>One</p><p class="s">Small</p><p class="w">Wide</p>';
    const { pages } = await print(css, body, { preferCSSPageSize: false, format: 'A4' });
    expect(pages.map(({ size }) => size.toSorted((a, b) => a - b))).toEqual([
      [210, 297],
      [210, 297],
      [210, 297],
    ]);
    expect(run(pages[1], 'Small').left).toBeGreaterThan(55); // in the middle
  },
  'It wins over `margin` of the request': async () => {
    const { pages } = await print('', '<p>Text</p>', { margin: { left: '50mm', top: '50mm' } });
    expect(run(pages[0], 'Text').left).toBeCloseTo(20, 0);
  },
  'Both at once are printed over each other': async () => {
    const options = { displayHeaderFooter: true, headerTemplate: '<span style="font-size: 9px">Template</span>' };
    const { pages } = await print(`@page { @top-left { content: 'Box' } }`, '<p>Text</p>', options);
    expect(above(pages[0], 20)?.toSorted()).toEqual(['Box', 'Template']);
  },
  "have the document's fonts and variables": async () => {
    const css = ':root { --title: "Of the root" } @page { font-size: 7pt; @top-left { content: var(--title) } }';
    const { pages } = await print(css, '<p>Text</p>');
    expect(run(pages[0], 'Of the root').size).toBe(7);
  },
  'lays out a portrait page and turns it': async () => {
    const { pages } = await print('@page turned { page-orientation: rotate-left } p { page: turned }', '<p>Text</p>');
    expect(pages[0]?.size).toEqual([210, 148]);
  },
  '`counter(pages)` is always the number of all pages': async () => {
    const css = `@page { @top-left { content: counter(page) ' of ' counter(pages) } } @page cover { counter-increment: page 0 } .c { page: cover }`;
    const { pages } = await print(css, '<p class="c">Cover</p><p>Text</p>');
    expect(pages.map((page) => above(page, 20))).toEqual([['0 of 2'], ['1 of 2']]);
  },
  'Boxes that scroll on a screen (`overflow: auto`) are cut like others. What is `inline-block` is never cut':
    async () => {
      const box = (style: string) =>
        `<div style="height: 130mm"></div><div style="${style}">${'<p>Line</p>'.repeat(20)}</div>`;
      const lines = async (style: string) =>
        (await print('', box(style))).pages.map((page) => textsOf(page).filter((text) => text === 'Line').length);
      expect(await lines('overflow: auto')).toEqual([8, 12]);
      expect(await lines('display: inline-block')).toEqual([0, 20]);
    },
  'By default a row of several lines may be cut': async () => {
    const row = `<table><tr><td>${Array.from({ length: 12 }, (_, n) => `Line ${n + 1}`).join('<br>')}</table>`;
    const pages = async (css: string) =>
      (await print(css, `<div style="height: 140mm"></div>${row}`)).pages.map((page) => textsOf(page).length);
    expect((await pages('')).every((lines) => lines > 0)).toBe(true);
    expect(await pages('tr { break-inside: avoid }')).toEqual([0, 12]);
  },
  'What is taller than a page is cut all the same': async () => {
    const { pages } = await print('div { break-inside: avoid; height: 300mm; background: gold }', '<div>Tall</div>');
    expect(pages).toHaveLength(2);
  },
  'A paragraph too short for both keeps its `orphans` only': async () => {
    const lines = Array.from({ length: 5 }, (_, n) => `Line ${n + 1}`).join('<br>');
    const { pages } = await print('p { orphans: 3; widows: 3 }', `<div style="height: 155mm"></div><p>${lines}</p>`);
    expect(pages.map((page) => textsOf(page).length)).toEqual([3, 2]);
  },
  '`100vh`: it is the height of the first page without its margins': async () => {
    const css = '@page big { margin: 0 } div { page: big; height: 100vh; background: gold }';
    const { pages } = await print(css, '<p>First</p><div></div>');
    expect(pages[1]?.paints[0]?.bottom).toBeCloseTo(170, 0); // of 210
  },
  'A4 and Letter are coloured to the edge, on A5 a hair of 0.3 mm stays white': async () => {
    const edge = async (size: string) =>
      (await print(`@page { size: ${size}; background: gold }`, '<p>Text</p>')).pages[0]?.paints[0]?.right;
    expect(await edge('A4')).toBeGreaterThanOrEqual(209.8);
    expect(await edge('letter')).toBeGreaterThanOrEqual(215.9);
    expect(await edge('A5')).toBe(147.9); // of 148.2
  },
  'What is `position: fixed` is printed on every page': async () => {
    const { pages } = await print('i { position: fixed; bottom: 0 }', `<i>Each</i>${twoPages}`);
    expect(pages.map((page) => textsOf(page).filter((text) => text === 'Each').length)).toEqual([1, 1]);
  },
  'and images by `content` or, with a size, by `background`': async () => {
    const css = `@page { @top-left { content: url("${site}/box.svg") } @top-right { content: ''; width: 20mm; background: url("${site}/back.svg") } }`;
    const { pages } = await print(css, '<p>Text</p>');
    expect(pages[0]?.paints).toEqual([
      expect.objectContaining({ color: '#ffd700', left: expect.closeTo(20, 0) }),
      expect.objectContaining({ color: 'pattern', right: expect.closeTo(128, 0) }),
    ]);
  },
};

describe('what docs/documents.md says besides', () => {
  it.each(Object.entries(SENTENCES))('%s', async (sentence, check) => {
    expect(documentsPage.includes(sentence)).toBe(true);
    await check();
  });
});
