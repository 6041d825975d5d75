import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { launchChromium } from '../../src/render/chromium.ts';
import { WarmPage } from '../../src/render/warm-page.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { renderer } = await createRenderer();
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const FIXTURES = new URL('../fixtures/', import.meta.url);
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const DRAWING = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><circle cx="9" cy="9" r="8"/></svg>')}`;

/** What a browser does late, when it draws, or only for what can be seen. */
const PARTS: Record<string, string> = {
  text: '<p>text</p>',
  image: `<img src="${PIXEL}" width="50" height="50">`,
  'image that is lazy': `<div style="height: 3000px"></div><img loading="lazy" decoding="async" src="${DRAWING}" width="50" height="50">`,
  'image of several': `<img srcset="${PIXEL} 1x, ${DRAWING} 2x" width="50" height="50"><picture><source media="print" srcset="${DRAWING}"><img src="${PIXEL}"></picture>`,
  background: `<div style="background: url('${DRAWING}') repeat; width: 200px; height: 50px">b</div>`,
  'background of print': `<style>@media print { .p { background: url('${DRAWING}'); } }</style><div class="p">print</div>`,
  'generated content': `<style>q::after { content: url('${PIXEL}') counter(page) }</style><q>q</q>`,
  'content-visibility': '<div style="content-visibility: auto; contain-intrinsic-size: 500px"><p>hidden</p></div>',
  container:
    '<style>.c { container-type: inline-size } @container (min-width: 100px) { .c p { color: red } }</style><div class="c"><p>wide</p></div>',
  filter:
    '<div style="filter: blur(2px); box-shadow: 0 0 20px red; opacity: 0.5; will-change: transform; transform: rotate(3deg)">f</div>',
  fixed:
    '<div style="position: fixed; top: 0">fixed</div><div style="position: sticky; top: 0">sticky</div><div style="height: 2000px"></div>',
  scrolled: '<div style="overflow: auto; height: 50px"><div style="height: 500px">long</div></div>',
  form: '<form><input value="v"><input type="checkbox" checked><textarea>t</textarea><select><option>o</select><progress value="0.5"></progress><meter value="0.4"></meter></form>',
  open: '<details open><summary>s</summary>d</details><dialog open>dialog</dialog>',
  columns: `<div style="columns: 3">${'words '.repeat(500)}</div>`,
  svg: `<svg width="100" height="100"><defs><pattern id="p" width="9" height="9"><rect width="5" height="5"/></pattern></defs><rect width="90" height="90" fill="url(#p)"/><image href="${PIXEL}" width="9" height="9"/></svg>`,
  table: `<table border="1"><thead><tr><th>h</thead>${'<tr><td>1<td>2'.repeat(200)}</table>`,
  transition: '<style>p { transition: color 1s } @media print { p { color: red } }</style><p>red</p>',
};

const pdf = async (html: string, request: object = {}) =>
  Buffer.concat((await pdfOf(renderer, { html, ...request })).chunks);
const printed = async (html: string, request: object = {}) =>
  (await pdf(html, request)).toString('latin1').replaceAll(/\/(?:Creation|Mod)Date \([^)]*\)/g, '');
/** A document that is waited for is drawn meanwhile. */
const drawn = (html: string) => printed(html, { waitForTimeout: 100 });

describe('a static document, which is not drawn', () => {
  it.each(Object.entries(PARTS))('is printed as if it were: %s', async (_, part) => {
    const html = `<!doctype html><body>${part}`;
    expect(await printed(html)).toBe(await drawn(html));
  });

  it('is printed as if it were: a document of several, and all fixtures', async () => {
    const fixtures = readdirSync(FIXTURES).filter((name) => name.endsWith('.html'));
    for (const html of [
      Object.values(PARTS).join(''),
      ...fixtures.map((name) => readFileSync(new URL(name, FIXTURES), 'utf8')),
    ])
      expect(await printed(html)).toBe(await drawn(html));
  });
});

/** Says whether its window is drawn. */
const WATCHING = `<body><script>
  const seen = [document.visibilityState, document.hidden, document.hasFocus()];
  requestAnimationFrame(() => requestAnimationFrame(() => { document.body.textContent = seen.join(' ') + ' drawn' }));
</script>`;

describe('a document with scripts', () => {
  it('has a window that is drawn, also after one that is not', async () => {
    const request = { waitForFunction: { fn: 'document.body.textContent.endsWith("drawn")' } };
    for (const before of [undefined, PARTS.text, PARTS.svg]) {
      if (before !== undefined) await pdf(before);
      const { text } = await readPdf(await pdf(WATCHING, request));
      expect(text.join('').trim()).toBe('visible false true drawn');
    }
  });
});

describe('a page that keeps its document', () => {
  it('is not drawn until the next one, which may have been animated for all that time', async () => {
    const chromium = await launchChromium(await findChromium({ chromePath: undefined, dataDir: inject('dataDir') }));
    onTestFinished(() => chromium.close());
    const page = await WarmPage.open(chromium);
    const state = () => page.tab.page.evaluate('document.visibilityState');
    const afterWipe = async () => {
      page.wipe();
      expect(await page.ready).toBe(true);
      return state();
    };
    expect(await state()).toBe('visible');
    await page.draw(false);
    expect(await state()).toBe('hidden');
    for (const _ of [1, 2]) {
      await page.draw(true);
      expect(await state()).toBe('visible');
      expect(await afterWipe()).toBe('hidden');
    }
    // A page that goes elsewhere keeps nothing.
    await page.draw(true);
    page.mark('scripts');
    expect(await afterWipe()).toBe('visible');
    page.mark('origin');
    expect(await afterWipe()).toBe('visible');
    await page.draw(false);
    expect(await state()).toBe('hidden');
  });
});
