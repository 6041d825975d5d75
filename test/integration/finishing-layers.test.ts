import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finishingSchema } from '../../src/domain/finishing.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import { onlyPart, parsePdfRequest, type PrintSettings } from '../../src/domain/pdf-request.ts';
import { PDF } from '../../src/finishing/libpdf.ts';
import { withPdfium } from '../../src/finishing/pdfium.ts';
import { STEPS } from '../../src/finishing/steps.ts';
import { runParts } from '../../src/jobs/run.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import { startFinisher } from '../support/finisher.ts';
import { readPdf } from '../support/pdf.ts';
import { createRenderer } from '../support/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  ({ renderer } = await createRenderer());
  await renderer.start();
});
afterAll(() => renderer.stop());
const finisher = await startFinisher({ steps: STEPS });

/** Pages of 300 by 400 points, one of 200 by 100, and one of 300 by 400. */
const DOCUMENT = `<!doctype html><html lang="en"><title>Report</title>
  <style>@page { size: 300pt 400pt } @page small { size: 200pt 100pt } .small { page: small } a { display: block }</style>
  <h1>One</h1><a href="#end">to the end</a><h1 class="small">Two</h1><h1 id="end">Three</h1>`;
const RED =
  '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="red"/></svg>';

interface Job {
  html?: string;
  files?: Record<string, string | Uint8Array>;
  settings?: Record<string, unknown>;
  /** how often the document is a part */
  times?: number;
  /** of the job alone */
  cookies?: PrintSettings['cookies'];
}

/** Does a job, and counts its calls. */
async function run(finishing: object, { html = DOCUMENT, files = {}, settings = {}, times = 1, cookies }: Job = {}) {
  const parsed = parsePdfRequest({ html, options: { preferCSSPageSize: true, tagged: true }, ...settings });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const part = onlyPart(parsed.request);
  const calls = { finish: 0, printed: 0 };
  const counting: Pick<typeof finisher, 'finish'> = {
    finish: (...args) => {
      calls.finish++;
      return finisher.finish(...args);
    },
  };
  const outcome = await runParts(
    { renderer, finisher: counting },
    {
      parts: Array.from({ length: times }, () => part),
      settings: { ...parsed.request, cookies },
      result: { finishing: finishingSchema.parse(finishing) },
      filesOf: async () =>
        Object.entries(files).map(([name, bytes]) => ({
          name,
          chunks: [typeof bytes === 'string' ? Buffer.from(bytes) : bytes],
        })),
    },
    { tenant: 'ann', onPrinted: () => void calls.printed++ },
  );
  return { outcome, calls };
}

async function pdfOf(finishing: object, job: Job = {}): Promise<Uint8Array> {
  const { outcome, calls } = await run(finishing, job);
  expect(calls.printed).toBe(1);
  return bytesOf(outcome);
}

function bytesOf(outcome: Outcome): Uint8Array {
  if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
  return Buffer.concat(outcome.files[0]?.chunks ?? []);
}

/** Without spaces: those between two layers are the reader's guess. */
const textsOf = async (pdf: Uint8Array) => (await readPdf(pdf)).text.map((text) => text.replaceAll(/\s+/g, ''));

/** The sides of what is not white on a page, in points from above left. */
const inkOf = (pdf: Uint8Array, page: number) =>
  withPdfium(pdf, (document) => {
    const { width, height } = document.sizeOf(page);
    const [columns, rows] = [Math.round(width), Math.round(height)];
    const { rgba } = document.picture(page, { width: columns, height: rows });
    const ink = { left: columns, top: rows, right: 0, bottom: 0 };
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        if ((rgba[(y * columns + x) * 4 + 1] ?? 255) > 200) continue;
        ink.left = Math.min(ink.left, x);
        ink.right = Math.max(ink.right, x + 1);
        ink.top = Math.min(ink.top, y);
        ink.bottom = Math.max(ink.bottom, y + 1);
      }
    return ink;
  });

/** Whether the pages are red at these places, in points from above left. */
const redAt = (pdf: Uint8Array, page: number, places: [number, number][]) =>
  withPdfium(pdf, (document) => {
    const { width, height } = document.sizeOf(page);
    const { rgba } = document.picture(page, { width: Math.round(width), height: Math.round(height) });
    return places.map(([x, y]) => {
      const at = (Math.round(y) * Math.round(width) + Math.round(x)) * 4;
      return (rgba[at] ?? 0) > 200 && (rgba[at + 1] ?? 255) < 90;
    });
  });

describe('layers of HTML', () => {
  it('have the numbers of the pages that they are on, one page each, whatever they leave open or is too long', async () => {
    const html = `<html><style>@page { size: A4; margin: 3cm } body { margin: 10pt; font: 10pt sans-serif } div { height: 2000pt }</style>
      <body><div>Page <b class="pageNumber">?</b>/<b class="totalPages">?</b><section><i>open <u>ends`;
    const number = { html };
    const { outcome, calls } = await run({ overlay: [number, { html: '<p style="break-before: page">second', pages: '2-' }] }, { cookies: [{ name: 'a', value: 'of a URL' }] }); // prettier-ignore
    expect(calls).toEqual({ finish: 2, printed: 1 });
    expect(await textsOf(bytesOf(outcome))).toEqual([
      'OnetotheendPage1/3openends',
      'TwoPage2/3openendssecond',
      'ThreePage3/3openendssecond',
    ]);
  });

  it('leave tags and links as they are', async () => {
    const [plain, layered] = await Promise.all([pdfOf({}), pdfOf({ overlay: [{ html: '<h2>x</h2>' }] })]);
    const about = async (bytes: Uint8Array) => {
      const pdf = await PDF.load(bytes);
      const isMarked = pdf
        .getCatalog()
        .getDict('MarkInfo', (ref) => pdf.getObject(ref))
        ?.getBool('Marked')?.value;
      const links = pdf.getPages().map((page) => page.getLinkAnnotations().length);
      return { isMarked, hasTags: pdf.getCatalog().has('StructTreeRoot'), links, title: pdf.getTitle() };
    };
    expect(await about(layered)).toEqual(await about(plain));
    expect((await about(layered)).links).toEqual([1, 0, 0]);
  });

  it('find their files, run their scripts, and cover the page with the background of their body', async () => {
    const overlay = [
      {
        html: '<link rel="stylesheet" href="css/a.css"><script>document.write("<p>written " + 6 * 7 + "</p>")</script><i class="pageNumber"></i><img loading="lazy" src="logo%20red.svg">',
        pages: '1, 3',
      },
      { html: '<style>body { background: red; margin: 0 }</style>', pages: '2' },
    ];
    const files = { 'css/a.css': 'img { position: fixed; right: 0; bottom: 0 }', 'logo red.svg': RED };
    const pdf = await pdfOf({ overlay }, { files });
    expect(await textsOf(pdf)).toEqual(['Onetotheendwritten421', 'Two', 'Threewritten423']);
    for (const page of [1, 3])
      expect(await redAt(pdf, page, [[299, 399], [271, 386], [269, 386], [271, 383]])).toEqual([true, true, false, false]); // prettier-ignore
    expect(await redAt(pdf, 2, [[1, 1], [199, 99]])).toEqual([true, true]); // prettier-ignore
    const without = await pdfOf({ overlay: [overlay[0]] }, { files, settings: { setJavaScriptEnabled: false } });
    expect((await textsOf(without))[0]).toBe('Onetotheend1');
  });
});

describe('layers of text and images', () => {
  it('are at their place on each page, also if they are turned', async () => {
    const files = { 'red.svg': RED };
    const places = ['top-left', 'top', 'top-right', 'left', 'center', 'right', 'bottom-left', 'bottom', 'bottom-right'];
    for (const [rotate, width, height] of [
      [0, 60, 30],
      [90, 30, 60],
      [-180, 60, 30],
    ] as const) {
      const overlay = places.map((position) => ({ image: 'red.svg', position, rotate, width: 60, margin: 5, pages: '1-2' })); // prettier-ignore
      const pdf = await pdfOf({ overlay }, { files });
      for (const [page, right, bottom] of [
        [1, 300, 400],
        [2, 200, 100],
      ] as const) {
        const inside = [5, (right - width) / 2, right - 5 - width].flatMap(
          (x) =>
          [5, (bottom - height) / 2, bottom - 5 - height].flatMap((y): [number, number][] => [[x + 2, y + 2], [x + width - 3, y + height - 3]]), // prettier-ignore
        );
        expect((await redAt(pdf, page, inside)).every(Boolean)).toBe(true);
        expect(await redAt(pdf, page, [[2, 2], [right - 2, bottom - 2], [5 + width + 2, 7]])).toEqual([false, false, false]); // prettier-ignore
      }
    }
  });

  it.each([0, -45, 90, 180, -55])('are at their place as they are turned by %i, of any length', async (rotate) => {
    const [width, height, margin, fontSize] = [300, 400, 20, 30];
    const html = `<style>@page { size: ${width}pt ${height}pt }</style>${'<div style="break-before: page; height: 1pt"></div>'.repeat(27)}`;
    const texts = ['HXH', 'CONFIDENTIAL', 'STRICTLY CONFIDENTIAL, NOT FOR ANYBODY'];
    const layers = ['', 'top', 'bottom'].flatMap((row) =>
      ['', 'left', 'right'].flatMap((column) =>
        texts.map((text) => ({ text, position: [row, column].filter(Boolean).join('-') || 'center' })),
      ),
    );
    const overlay = layers.map((layer, index) => ({ ...layer, rotate, margin, fontSize, pages: String(index + 1) }));
    const pdf = await pdfOf({ overlay: overlay.slice(0, 20), underlay: overlay.slice(20) }, { html });
    const sizes = new Map<string, [number, number]>();
    for (const [index, { text, position }] of layers.entries()) {
      const { left, top, right, bottom } = await inkOf(pdf, index + 1);
      const about = `${text} ${position} ${JSON.stringify({ left, top, right, bottom })}`;
      const holds = (isTrue: boolean) => expect(isTrue ? '' : about).toBe('');
      holds(left >= margin - 1 && top >= margin - 1 && right <= width - margin + 1 && bottom <= height - margin + 1);
      // Between the ink and the box of its line is less than half of its height.
      const near = (found: number, wanted: number) => holds(Math.abs(found - wanted) < fontSize / 2);
      if (position.includes('left')) near(left, margin);
      else if (position.includes('right')) near(right, width - margin);
      else near((left + right) / 2, width / 2);
      if (position.includes('top')) near(top, margin);
      else if (position.includes('bottom')) near(bottom, height - margin);
      else near((top + bottom) / 2, height / 2);
      // The same size everywhere: as said, or as large as it fits.
      const size = [right - left, bottom - top] as const;
      const known = sizes.get(text) ?? size;
      sizes.set(text, [...known]);
      for (const side of [0, 1] as const) holds(Math.abs(size[side] - known[side]) < 3);
      const isFull = Math.max(size[0] / (width - 2 * margin), size[1] / (height - 2 * margin)) > 0.85;
      if (text !== 'CONFIDENTIAL') holds(isFull === (text !== 'HXH'));
    }
  });

  it('are not made tiny by margins that are hardly less than the page', async () => {
    const html =
      '<style>@page { size: 142pt 57pt; margin: 0 }</style><div style="break-after: page; height: 1pt"></div><div style="height: 1pt"></div>';
    const overlay = [
      { text: 'HXH', pages: '1' },
      { text: 'HXH', pages: '2', position: 'bottom-right', margin: '10cm' },
    ];
    const pdf = await pdfOf({ overlay }, { html });
    for (const page of [1, 2]) {
      const { left, top, right, bottom } = await inkOf(pdf, page);
      expect(bottom - top).toBeGreaterThan(7);
      expect(left >= 0 && right < 142 && top > 0 && bottom < 57).toBe(true);
    }
  });

  it('are text that can be searched for, with nothing but its own characters', async () => {
    const text = 'DRAFT & <b>"1"</b> {{x}} ünïcode';
    const pdf = await pdfOf({ underlay: [{ text, rotate: -45, fontSize: '5pt', color: '#ff0000', opacity: 0.2 }] });
    for (const line of await textsOf(pdf)) expect(line).toContain(text.replaceAll(' ', ''));
  });

  it('may be larger than a page, or nothing that the browser can read', async () => {
    const large = '<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="4000"><rect width="4000" height="4000" fill="red"/></svg>'; // prettier-ignore
    const pdf = await pdfOf({ overlay: [{ image: 'large.svg', margin: '20pt' }] }, { files: { 'large.svg': large } });
    expect(await redAt(pdf, 1, [[150, 71], [150, 328], [150, 68], [22, 200], [278, 200], [18, 200]])).toEqual([true, true, false, true, true, false]); // prettier-ignore
    const turned = await pdfOf({ overlay: [{ image: 'large.svg', margin: '20pt', rotate: 45 }] }, { files: { 'large.svg': large } }); // prettier-ignore
    expect(await redAt(turned, 1, [[150, 72], [150, 327], [150, 68], [22, 200], [277, 200], [18, 200]])).toEqual([true, true, false, true, true, false]); // prettier-ignore
    const { outcome, calls } = await run({ overlay: [{ image: 'a.png' }] }, { files: { 'a.png': 'no picture' } });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'finishing_invalid', message: 'finishing.overlay[0].image: a.png cannot be read; allowed: PNG, JPEG, WebP, SVG' }); // prettier-ignore
    expect(calls.printed).toBe(1);
  });

  it('are there whatever the request says of the requests and scripts of its document', async () => {
    const settings = {
      setJavaScriptEnabled: false,
      rejectResourceTypes: ['image'],
      rejectRequestPattern: ['*'],
      setExtraHTTPHeaders: { 'X-A': '1' },
      extraHTTPHeadersTo: 'all',
      failOnResourceError: true,
    };
    const overlay = [{ image: 'red.svg', position: 'top-left', margin: 0, width: 40 }];
    const pdf = await pdfOf({ overlay }, { files: { 'red.svg': `\uFEFF\n<!-- a logo -->${RED}` }, settings });
    expect(await redAt(pdf, 1, [[2, 2], [38, 18], [42, 2]])).toEqual([true, true, false]); // prettier-ignore
  });

  it('that are large hold up nothing else, and none is tried again', async () => {
    const drawing = Buffer.from(RED.replace('<rect', `<!--${'-a'.repeat(30_000_000)}--><rect`));
    const other = randomBytes(80_000_000).fill(0x89, 0, 1);
    for (const bytes of [drawing, other]) {
      const inMessage = cpuMs();
      expect(Buffer.from(JSON.stringify(bytes.toString('base64'))).length).toBeGreaterThan(bytes.length);
      const most = inMessage();
      const inJob = cpuMs();
      const { outcome } = await run({ overlay: [{ image: 'a.svg' }] }, { files: { 'a.svg': bytes } });
      // All that the job takes of this thread is less than to write the image into one message would take.
      expect(inJob()).toBeLessThan(most);
      if (bytes === drawing) expect(await redAt(bytesOf(outcome), 1, [[150, 200]])).toEqual([true]);
      else expect(outcome).toMatchObject({ kind: 'reject', code: 'finishing_invalid', message: 'finishing.overlay[0].image: a.svg cannot be read; allowed: PNG, JPEG, WebP, SVG' }); // prettier-ignore
    }
  });
});

/** Counts what this thread works, in milliseconds, however busy the machine is. */
function cpuMs(): () => number {
  const before = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  };
}

describe('a job', () => {
  it('without layers that are printed has one call, and those of other PDFs need no browser', async () => {
    const letterhead = await pdfOf({ overlay: [{ text: 'Letterhead', position: 'top' }] }, { html: '<p>own page' });
    const { outcome, calls } = await run({ underlay: [{ pdf: 'letter.pdf', pages: '1' }] }, { files: { 'letter.pdf': letterhead } }); // prettier-ignore
    expect(calls).toEqual({ finish: 1, printed: 1 });
    const [first, second] = await textsOf(bytesOf(outcome));
    expect([first, second]).toEqual([expect.stringContaining('Letterhead'), 'Two']);
  });

  it('knows after its layers that its document was merged', async () => {
    const { outcome } = await run({ overlay: [{ text: 'x' }], conformance: 'PDF/UA-1' }, { html: '<html lang="en"><p>text', times: 2 }); // prettier-ignore
    expect(outcome).toMatchObject({ code: 'not_conformant', message: expect.stringContaining('set finishing.properties.title') as string }); // prettier-ignore
  });

  it('fails if a layer fits none of its pages', async () => {
    const { outcome, calls } = await run({
      underlay: [
        { text: 'x', pages: '2-' },
        { html: 'x', pages: '4, 9' },
      ],
    });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'finishing_invalid', message: 'finishing.underlay[1].pages: "4, 9" fits no page of 3' }); // prettier-ignore
    expect(calls).toEqual({ finish: 1, printed: 1 });
  });

  it('fails with the name of the layer that cannot be printed', async () => {
    const html = '<script>document.documentElement.innerHTML = "<frameset></frameset>"</script>';
    const { outcome } = await run({ overlay: [{ html }] });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'finishing_invalid', message: 'finishing.overlay[0].html: it has no body that could be put on a page' }); // prettier-ignore
    const { outcome: forever } = await run({ overlay: [{ html: '<script>for (;;);</script>' }] }, { settings: { timeoutMs: 1_500 } }); // prettier-ignore
    expect(forever).toMatchObject({ kind: 'reject', code: 'render_timeout', message: expect.stringMatching(/^finishing\.overlay\[0\]/) }); // prettier-ignore
  });
});
