import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ServedOrigin } from '../../src/egress/served-origin.ts';
import { fontNamed } from '../support/fonts.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

// A page for one document keeps nothing, so there the fonts stay in it.
const { renderer: taken } = await createRenderer();
const { renderer: embedded } = await createRenderer({ RENDER_ISOLATION: 'job' });
const { renderer: shared } = await createRenderer({ RENDER_ISOLATION: 'static' });
const renderers = [taken, embedded, shared];
beforeAll(async () => void (await Promise.all(renderers.map((each) => each.start()))));
afterAll(async () => void (await Promise.all(renderers.map((each) => each.stop()))));

const font = (name: string) =>
  readFileSync(new URL(`../../node_modules/katex/dist/fonts/${name}.ttf`, import.meta.url));
const url = (bytes: Buffer, type = 'font/ttf') => `data:${type};base64,${bytes.toString('base64')}`;
const regular = font('KaTeX_Main-Regular');
const bold = font('KaTeX_Main-Bold');
const own = fontNamed('Zephyra');

const face = (family: string, bytes: Buffer, more = '') =>
  `@font-face { font-family: ${family}; src: url("${url(bytes)}") format("truetype"); ${more} }`;
const TEXT = '<p>The quick <b>brown fox</b> 1,234.50</p>';

/** A document each, with fonts that are needed at different moments. */
const DOCUMENTS: Record<string, string> = {
  'one font': `<!doctype html><style>${face('f', regular)} body { font-family: f }</style>${TEXT}`,
  'two of a family': `<!doctype html><style>${face('f', regular)} ${face('f', bold, 'font-weight: bold')} body { font-family: f }</style>${TEXT}`,
  'two in quirks mode': `<style>${face('f', regular)} ${face('g', own)} p { font-family: f } b { font-family: g }</style>${TEXT}`,
  'only in print': `<!doctype html><style>${face('f', own)} @media print { p { font: 20px f } }</style>${TEXT}`,
  'only on a screen': `<!doctype html><style>${face('f', own)} @media screen { p { font: 20px f } }</style>${TEXT}`,
  'in generated content': `<!doctype html><style>${face('f', bold)} p::before { content: "before "; font-family: f }</style>${TEXT}`,
  'on the second page': `<!doctype html><style>${face('f', regular)} .f { font-family: f; break-before: page }</style>${TEXT}<p class="f">second`,
  'in a table head that repeats': `<!doctype html><style>${face('f', bold)} th { font-family: f }</style><table><thead><tr><th>head</thead>${'<tr><td>1'.repeat(120)}</table>`,
  'for some characters': `<!doctype html><style>${face('f', regular, 'unicode-range: U+30-39')} p { font-family: f, serif }</style>${TEXT}`,
  'swapped in': `<!doctype html><style>${face('f', own, 'font-display: swap')} p { font-family: f }</style>${TEXT}`,
  'only as wide as the paper': `<!doctype html><style>${face('f', own)} @media (max-width: 760px) { p { font-family: f } }</style>${TEXT}`,
  'only in a container of that width': `<!doctype html><style>${face('f', own)} body { container-type: inline-size } @container (width < 750px) { p { font-family: f } }</style>${TEXT}`,
  'in a part that is not laid out yet': `<!doctype html><style>${face('f', own)} section { content-visibility: auto; font-family: f }</style><section>${TEXT}</section><div style="height: 3000px"></div><section>${TEXT}</section>`,
  'one after the other': `<!doctype html><style>${face('f', regular, 'unicode-range: U+41-5A, U+61-7A')} ${face('g', own)} p { font-family: f, g, serif }</style>${TEXT}`,
  'as measure': `<!doctype html><style>${face('f', own)} p { font-family: f; width: 20ch; outline: 1px solid }</style>${TEXT}`,
  'in an SVG': `<!doctype html><svg width="300" height="60"><style>${face('f', regular)} text { font: 30px f }</style><text y="40">drawn</text></svg>`,
  never: `<!doctype html><style>${face('f', own)}</style>${TEXT}`,
  'and is cut off': `<!doctype html><style>${face('f', own.subarray(0, 60_000))} p { font-family: f, serif }</style>${TEXT}`,
  'and has links and pictures': `<!doctype html><style>${face('f', regular)} body { font-family: f }</style><a href="#x">to x</a> <a href="page.html">there</a><p id="x"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">`,
};

async function printed(renderer: (typeof renderers)[number], html: string, request: object = {}) {
  const { chunks, failedResources, missingFonts } = await pdfOf(renderer, { html, ...request });
  const text = Buffer.concat(chunks).toString('latin1');
  return { text: text.replaceAll(/\/(?:Creation|Mod)Date \([^)]*\)/g, ''), failedResources, missingFonts };
}

describe('a static document with embedded fonts', () => {
  it.each(Object.entries(DOCUMENTS))('is printed as if its page read them from it: %s', async (_, html) => {
    const expected = await printed(embedded, html);
    // The first in its page, and one that finds the fonts there.
    for (const renderer of [taken, taken, shared, shared]) expect(await printed(renderer, html)).toEqual(expected);
  });

  it.each<object>([
    { options: { format: 'A6', displayHeaderFooter: true, headerTemplate: '<p style="font-family: f">head</p>' } },
    { emulateMediaType: 'screen' },
    { singlePage: true },
    { waitForSelector: { selector: 'p', visible: true } },
    { addStyleTag: [{ content: 'p { font-size: 40px }' }] },
    { addStyleTag: [{ content: '.new, b { font-family: g }' }], waitForTimeout: 10 },
    { addStyleTag: [{ content: '@page { @top-left { content: "top"; font-family: g } }' }] },
    { bestAttempt: true },
    { gotoOptions: { waitUntil: 'domcontentloaded' } },
    { gotoOptions: { waitUntil: 'networkidle0' } },
    { setJavaScriptEnabled: false },
  ])('is printed so with %j', async (request) => {
    const html = DOCUMENTS['two in quirks mode'] ?? '';
    expect(await printed(taken, html, request)).toEqual(await printed(embedded, html, request));
  });

  it('is printed so beside a picture that takes long', async () => {
    const [started, image] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = await startSite((_, response) => {
      started.resolve();
      response.writeHead(200, { 'content-type': 'image/gif' });
      void image.promise.then(() => response.end(Buffer.from('R0lGODlhAQABAAAAACw=', 'base64')));
    });
    const [one, two] = [await createRenderer(slow.env), await createRenderer({ ...slow.env, RENDER_ISOLATION: 'job' })];
    for (const { renderer } of [one, two]) await renderer.start();
    const html = `<!doctype html><style>${face('f', own)} p { font-family: NotHere, f }</style><img src="${slow.origin}/a.gif">${TEXT}`;
    const request = { gotoOptions: { waitUntil: 'domcontentloaded' } };
    const results = Promise.all([one, two].map(({ renderer }) => printed(renderer, html, request)));
    await started.promise;
    image.resolve();
    const [first, second] = await results;
    for (const { renderer } of [one, two]) await renderer.stop();
    for (const result of [first, second]) expect(result?.text).toMatch(/Zephyra/);
  });

  it('is printed with them when the document has used up what it may load', async () => {
    const site = await startSite((_, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.alloc(3_000_000)),
    );
    const { renderer } = await createRenderer({ ...site.env, DOCUMENT_MAX_EGRESS_MB: '1' });
    await renderer.start();
    for (const tenant of ['ann', 'bob', 'cid']) {
      const html = `<!doctype html><img src="${site.origin}/a.png"><style>${face('f', own)} p { font-family: f }</style>${TEXT}`;
      const { chunks } = await pdfOf(renderer, { html }, tenant);
      expect(Buffer.concat(chunks).toString('latin1')).toMatch(/Zephyra/);
    }
    await renderer.stop();
  });

  it('finds them in its page: they are not sent again', async () => {
    const answers = vi.spyOn(ServedOrigin.prototype, 'answer');
    onTestFinished(() => answers.mockRestore());
    const html = `<!doctype html><style>${face('f', regular)} ${face('g', bold)} p { font-family: f }</style>${TEXT}`;
    await pdfOf(taken, { html }, 'zoe');
    expect(answers).toHaveBeenCalledTimes(2);
    await pdfOf(taken, { html: `${html}<p>another document` }, 'zoe');
    expect(answers).toHaveBeenCalledTimes(2);
    await pdfOf(taken, { html }, 'someone else');
    expect(answers).toHaveBeenCalledTimes(4);
  });

  it('may share a page with others, and stays there', async () => {
    const { renderer, lines } = await createRenderer({ RENDER_ISOLATION: 'static' });
    await renderer.start();
    for (const tenant of ['ann', 'bob', 'cid']) await pdfOf(renderer, { html: DOCUMENTS['one font'] }, tenant);
    expect(lines.flatMap((line) => /"kind":"(warm|spare|cold)"/.exec(line)?.[1] ?? [])).toEqual([
      'cold',
      'warm',
      'warm',
    ]);
    await renderer.stop();
  });

  it('has the fonts in its PDF, and no word of where they came from', async () => {
    const pdf = Buffer.concat((await pdfOf(taken, { html: DOCUMENTS['two in quirks mode'] })).chunks);
    expect((await readPdf(pdf)).text.join(' ')).toContain('The quick');
    for (const name of [/KaTeX_Main/, /Zephyra/]) expect(pdf.toString('latin1')).toMatch(name);
    expect(pdf.toString('latin1')).not.toContain('pdfprompt.internal');
  });

  it('has a font that only the format of the paper asks for, which comes too late for one that is embedded', async () => {
    const html = `<!doctype html><style>${face('f', own)} @media (orientation: portrait) { p { font-family: f } }</style>${TEXT}`;
    for (let time = 0; time < 2; time++) expect((await printed(taken, html)).text).toMatch(/Zephyra/);
  });

  it('is reported with a name for a font that is broken', async () => {
    const broken = async (renderer: typeof taken) =>
      (await pdfOf(renderer, { html: DOCUMENTS['and is cut off'] })).pageReport?.messages[0]?.text;
    expect(await broken(taken)).toMatch(/^Failed to decode downloaded font: embedded-font-[0-9a-f]{64}$/);
    expect(await broken(embedded)).toMatch(/^Failed to decode downloaded font: data:font\/ttf;base64,AAE/);
  });
});
