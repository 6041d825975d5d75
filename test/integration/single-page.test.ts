import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const { origin: site, env } = await startSite((_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html>${LINES}`);
});
const { renderer } = await createRenderer(env);
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

/** 200 lines of 25 pixels, 52.1 inches. */
const LINES = `<style>body { margin: 0 } p { margin: 0; height: 25px; line-height: 25px }</style>${Array.from({ length: 200 }, (_, index) => `<p>line ${index}</p>`).join('')}`;
const INCHES = (200 * 25) / 96;

async function read(body: object) {
  const { text, size, pages } = await readPdf(Buffer.concat((await pdfOf(renderer, body)).chunks));
  return { text: text.join(' '), width: size[0] / 72, height: size[1] / 72, pages };
}
const single = (body: object) => read({ singlePage: true, ...body });

describe('singlePage', () => {
  const kinds: [string, object][] = [
    ['static', { html: `<!doctype html>${LINES}` }],
    ['without a doctype', { html: LINES }],
    ['with a script', { html: `<!doctype html>${LINES}<script>1</script>` }],
    ['with its scripts off', { html: `<!doctype html>${LINES}<script>1</script>`, setJavaScriptEnabled: false }],
    ['at an origin of its own', { html: `<!doctype html>${LINES}<script>typeof localStorage</script>` }],
    ['at a URL', { url: site }],
  ];
  it.each(kinds)('is as high as a document %s, and the next has pages again', async (_, body) => {
    const result = await single(body);
    expect(result).toMatchObject({ pages: 1, width: 8.5 });
    expect(result.height).toBeCloseTo(INCHES, 1);
    for (const line of ['line 0', 'line 199']) expect(result.text).toContain(line);
    expect(await read(body)).toMatchObject({ pages: 5, width: 8.5, height: 11 });
  });

  it.each([
    ['margins', { margin: { top: '1in', bottom: '2in', left: '1in' } }, 8.5, INCHES + 3],
    ['a scale', { scale: 0.5 }, 8.5, INCHES / 2],
    ['a paper', { format: 'A5' }, 5.83, INCHES],
    ['landscape', { landscape: true }, 11, INCHES],
    ['a paper of the document that does not count', { preferCSSPageSize: true }, 8.5, INCHES],
  ])('has %s', async (_, options, width, height) => {
    const result = await single({ html: `<!doctype html><style>@page { size: A3 }</style>${LINES}`, options });
    expect(result.pages).toBe(1);
    expect(result.width).toBeCloseTo(width, 1);
    expect(result.height).toBeCloseTo(height, 1);
  });

  it('is as wide as the content with landscape, if that is wider than the paper', async () => {
    const wide = '<div style="width: 1500px; height: 25px"></div>';
    for (const [scale, left] of [
      [1, 0],
      [0.5, 1],
    ] as const) {
      const options = { landscape: true, scale, margin: { left: `${left}in` } };
      const result = await single({ html: `<!doctype html>${LINES}${wide}`, options });
      expect(result.pages).toBe(1);
      expect(result.width).toBeCloseTo(Math.max(11, (1500 / 96) * scale + left), 1);
      expect(result.height).toBeCloseTo((INCHES + 25 / 96) * scale, 1);
    }
  });

  it.each([
    ['margins of @page', '<style>@page { margin: 1in 5mm }</style>', INCHES + 2],
    ['breaks', '<style>p { break-before: page; break-inside: avoid }</style>', INCHES],
    ['named pages', '<style>@page wide { size: A3 } p:nth-child(odd) { page: wide }</style>', INCHES],
    [
      'something wider than the paper',
      '<div style="width: 1200px; height: 25px"></div>',
      ((INCHES + 25 / 96) * 816) / 1200,
    ],
    ['a least height of the screen', '<style>body { min-height: 100vh }</style>', INCHES],
    ['a height of all', '<style>html, body { height: 100% }</style>', INCHES],
    ['something far below', '<div style="position: absolute; top: 8000px; height: 100px">far</div>', 8100 / 96],
  ])('holds %s', async (_, html, height) => {
    const result = await single({ html: `<!doctype html>${html}${LINES}` });
    expect(result.pages).toBe(1);
    expect(Math.abs(result.height - height)).toBeLessThan(0.2);
  });

  it.each([
    ['nothing', '', 0, 0.4],
    ['a word', 'x', 0, 0.6],
    ['half a screen', '<style>body { margin: 0 }</style><div style="height: 50vh">x</div>', 5.5, 5.6],
  ])('is as low as %s', async (_, html, least, most) => {
    const { height, pages } = await single({ html: `<!doctype html>${html}` });
    expect(pages).toBe(1);
    expect(height).toBeGreaterThanOrEqual(least);
    expect(height).toBeLessThan(most);
  });

  it.each([
    ['is higher than a PDF allows', `<div style="height: 30000px">x</div>`, /^singlePage: the content is 312\.\d inches high; a page of a PDF can have 200 inches$/],
    ['grows with the page', '<div style="height: 100vh">x</div><p>more</p>', /^singlePage: the content grows with the page/],
    ['is always twice the page', '<div style="height: 200vh">x</div>', /^singlePage: the content (?:grows|is)/],
  ])('fails by name if the content %s', async (_, html, message) => {
    const outcome = await renderBody(renderer, { html: `<!doctype html>${html}`, singlePage: true });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'page_too_tall', message: expect.stringMatching(message) as string });
    expect(await read({ html: '<!doctype html><p>x</p>' })).toMatchObject({ pages: 1, height: 11 });
  }); // prettier-ignore

  it.each([
    ['changes what it is measured with', 'Math.max = () => { throw 1 }; document.adoptedStyleSheets = []; Element.prototype.getBoundingClientRect = null'],
    ['grows while it is measured', 'addEventListener("resize", () => document.body.append(...Array.from({ length: 1e3 }, () => document.createElement("hr"))))'],
    ['never has the size that it is given', 'Object.defineProperty(window, "innerWidth", { value: 1 })'],
  ])('ends if a document %s, and the next is like any other', async (_, script) => {
    const html = `<!doctype html><p>x</p><script>${script}</script>`;
    const outcome = await renderBody(renderer, { html, singlePage: true });
    if (outcome.kind !== 'done') expect(outcome).toMatchObject({ kind: 'reject', code: 'page_too_tall' });
    expect(await read({ html: '<!doctype html><p>x</p>' })).toMatchObject({ pages: 1, height: 11 });
  }); // prettier-ignore
});
