import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { type Output, pictureOfPage } from '../../src/domain/output.ts';
import type { PrintedPart, PrintOutcome } from '../../src/domain/outcome.ts';
import type { Finisher } from '../../src/finishing/finisher.ts';
import { Span } from '../../src/telemetry/span.ts';
import { createFinisher } from '../support/finisher.ts';
import { STEPS } from '../../src/finishing/steps.ts';
import { pixelsOf } from '../support/pixels.ts';
import { onlyPart } from '../../src/domain/pdf-request.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { renderer } = await createRenderer();
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const RED = [255, 0, 0, 255];
const BLUE = [0, 0, 255, 255];
const WHITE = [255, 255, 255, 255];

/** 2000 pixels high: red, with a blue square of 50 pixels at 100, 1500. */
const LONG = `<body style="margin:0;height:2000px;background:#f00">
  <div id="square" style="position:absolute;left:100px;top:1500px;width:50px;height:50px;background:#00f"></div>`;

async function take(body: object, output: Output): Promise<PrintOutcome> {
  const parsed = parsePdfRequest(body);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  return renderer.render({ ...onlyPart(parsed.request), picture: pictureOfPage(output) }, { tenant: 'ann' });
}

async function taken(body: object, output: Output): Promise<PrintedPart> {
  const outcome = await take(body, output);
  if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.pdf;
}

const seen = async (body: object, output: Output) => pixelsOf(Buffer.concat((await taken(body, output)).chunks));

describe('a picture of the page', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('is %s, of what the viewport shows', async (type) => {
    const picture = await taken({ html: LONG }, { type });
    expect(picture).toMatchObject({ type: `image/${type}`, pages: 1, failedResources: [] });
    const { width, height, at } = await pixelsOf(Buffer.concat(picture.chunks));
    expect([width, height]).toEqual([800, 600]);
    expect(at(400, 300)[0]).toBeGreaterThan(250);
    expect(at(400, 300)[2]).toBeLessThan(5);
  });

  it('has the pixels of the viewport, times its scale', async () => {
    const viewport = { width: 320, height: 200, deviceScaleFactor: 2 };
    // One pixel high: a picture that was enlarged afterwards would not show it so.
    const lines = `<body style="margin:0"><div style="height:1px;background:#f00;transform:scaleY(.5);transform-origin:top"></div>`;
    const { width, height, at } = await seen({ html: lines, viewport }, { type: 'png' });
    expect([width, height, at(50, 0), at(50, 1)]).toEqual([640, 400, RED, WHITE]);
    const whole = await seen({ html: LONG, viewport }, { type: 'png', fullPage: true });
    expect([whole.width, whole.height, whole.at(250, 3050)]).toEqual([640, 4000, BLUE]);
  });

  it('shows the whole document, a part of it, or an element', async () => {
    const whole = await seen({ html: LONG, viewport: { width: 200, height: 100 } }, { type: 'png', fullPage: true });
    expect([whole.width, whole.height, whole.at(125, 1525)]).toEqual([200, 2000, BLUE]);
    const clip = { x: 90, y: 1490, width: 30, height: 40 };
    // What a script has scrolled to is what the viewport shows.
    const scrolled = await seen({ html: `${LONG}<script>scrollTo(0, 1400)</script>` }, { type: 'png' });
    expect([scrolled.width, scrolled.height, scrolled.at(125, 125)]).toEqual([800, 600, BLUE]);
    const part = await seen({ html: LONG }, { type: 'png', clip });
    expect([part.width, part.height, part.at(5, 5), part.at(15, 15)]).toEqual([30, 40, RED, BLUE]);
    const element = await seen({ html: LONG }, { type: 'png', selector: '#square' });
    expect([element.width, element.height, element.at(0, 0), element.at(49, 49)]).toEqual([50, 50, BLUE, BLUE]);
  });

  it('lays the document out for the viewport, whatever of it is shown', async () => {
    const html = '<body style="margin:0"><div id="x" style="width:50vw;height:20px;background:#00f"></div>';
    const viewport = { width: 400, height: 100 };
    for (const [output, width, height] of [
      [{ fullPage: true }, 400, 100],
      [{ selector: '#x' }, 200, 20],
      [{ clip: { x: 150, y: 0, width: 100, height: 10 } }, 100, 10],
    ] as const) {
      for (const deviceScaleFactor of [1, 2]) {
        const scale = deviceScaleFactor;
        const picture = await seen({ html, viewport: { ...viewport, deviceScaleFactor } }, { type: 'png', ...output });
        expect([picture.width, picture.height]).toEqual([width * scale, height * scale]);
        expect(picture.at(45 * scale, 5 * scale)).toEqual(BLUE);
      }
    }
  });

  it('has the quality that is asked for', async () => {
    const html = `<body style="background:repeating-conic-gradient(#f00 0 1deg,#0f0 0 2deg,#00f 0 3deg)">`;
    for (const type of ['jpeg', 'webp'] as const) {
      const [low, high] = [await taken({ html }, { type, quality: 5 }), await taken({ html }, { type, quality: 95 })];
      expect(high.size).toBeGreaterThan(2 * low.size);
    }
  });

  it('is transparent where the document has no background, if that is asked for', async () => {
    const body = { html: '<p style="background:#f00;width:50px;height:50px;margin:0">' };
    const page = '<body style="margin:0">';
    const at = async (output: Output) => {
      const picture = await seen({ html: page + body.html }, output);
      return [picture.at(10, 10), picture.at(200, 200)];
    };
    expect(await at({ type: 'png' })).toEqual([RED, WHITE]);
    expect(await at({ type: 'png', omitBackground: true })).toEqual([RED, [0, 0, 0, 0]]);
    expect(await at({ type: 'png' })).toEqual([RED, WHITE]); // the page was left as it had been
  });

  it('is of the screen, unless print is asked for', async () => {
    const html =
      '<style>@media screen { body { background: #f00 } } @media print { body { background: #00f } }</style>';
    for (const scripts of ['', '<script>document.title = "x"</script>']) {
      expect((await seen({ html: html + scripts }, { type: 'png' })).at(1, 1)).toEqual(RED);
      const print = { html: html + scripts, emulateMediaType: 'print' };
      expect((await seen(print, { type: 'png' })).at(1, 1)).toEqual(BLUE);
    }
  });

  it('is taken when everything that was asked for is there', async () => {
    const html = `<body style="margin:0"><script>
      setTimeout(() => { document.body.style.background = '#00f'; document.body.id = 'done' }, 300)</script>`;
    const waiting = { html, waitForSelector: { selector: '#done' } };
    expect((await seen(waiting, { type: 'png' })).at(1, 1)).toEqual(BLUE);
    const styled = { html: '<p>', addStyleTag: [{ content: 'body { background: #f00 }' }] };
    expect((await seen(styled, { type: 'png' })).at(1, 1)).toEqual(RED);
  });

  it('shows images below the viewport that wait to be seen', async () => {
    const red = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><rect width="50" height="50" fill="red"/></svg>')}`;
    const html = `<body style="margin:0"><div style="height:9000px"></div><img loading="lazy" src="${red}"><script>1</script>`;
    const viewport = { width: 100, height: 100 };
    expect((await seen({ html, viewport }, { type: 'png', fullPage: true })).at(10, 9_010)).toEqual(RED);
  });

  it('says why there is none', async () => {
    const why = async (html: string, output: Output, more: object = {}) => {
      const outcome = await take({ html, ...more }, output);
      return outcome.kind === 'reject' ? `${outcome.code}: ${outcome.message}` : outcome.kind;
    };
    expect(await why('<p>', { type: 'png', selector: '#total' })).toBe(
      'selector_not_found: output.selector: nothing is found by "#total"; waitForSelector waits for it',
    );
    expect(await why('<p id="a" hidden>', { type: 'png', selector: '#a' })).toBe(
      'selector_not_found: output.selector: what "#a" finds is not shown',
    );
    expect(await why('<p>', { type: 'png', selector: '#' })).toBe(
      'selector_not_found: output.selector: it is not a valid selector',
    );
    const allowed = 'allowed: at most 16383 on a side and 20 million in all';
    expect(await why('<div style="height:20000px">', { type: 'png', fullPage: true })).toBe(
      `print_failed: output.fullPage: the picture would have 800 × 20016 pixels; ${allowed}`,
    );
    const viewport = { width: 1000, height: 1000, deviceScaleFactor: 5 };
    expect(await why('<p>', { type: 'png' }, { viewport })).toBe(
      `print_failed: viewport: the picture would have 5000 × 5000 pixels; ${allowed}`,
    );
  });

  it('leaves the page as it was for the next document', async () => {
    const body = { html: LONG, viewport: { width: 400, height: 300, deviceScaleFactor: 3 } };
    await taken(body, { type: 'webp', fullPage: true, omitBackground: true });
    const next = await seen({ html: '<p>' }, { type: 'png' });
    expect([next.width, next.height, next.at(700, 500)]).toEqual([800, 600, WHITE]);
    expect((await pdfOf(renderer, { html: '<p>' })).type).toBeUndefined();
  });

  it('is taken of many at a time', async () => {
    const colours = [0, 50, 100, 150, 200, 250];
    const pictures = await Promise.all(
      colours.map((red) =>
        seen({ html: `<body style="background:rgb(${red},0,0)"><script>1</script>` }, { type: 'png' }),
      ),
    );
    expect(pictures.map(({ at }) => at(400, 300)[0])).toEqual(colours);
  });
});

describe('pictures of the pages of a PDF', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('are %s, made where no file of the machine can be read', async (type) => {
    const html =
      '<style>@page { margin: 0 } div { height: 100vh; print-color-adjust: exact }</style><div style="background:#f00"></div><div style="background:#00f"></div>';
    const pdf = await pdfOf(renderer, { html, options: { format: 'A5', printBackground: true } });
    const finisher: Finisher = createFinisher({
      steps: STEPS,
      caps: { maxBytes: 1e7, maxPages: 100, memoryBytes: 1e9 },
    });
    await finisher.start();
    try {
      const parsed = parsePdfRequest({ html: 'x' });
      if (!parsed.ok) throw new Error('the request is not valid');
      const output = { type, pages: '2, 1', dpi: 72 };
      const outcome = await finisher.finish([pdf], {
        settings: parsed.request,
        result: { output },
        timeoutMs: 60_000,
        tenant: 'ann',
        span: new Span(),
      });
      if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
      expect(outcome.files.map((file) => [file.type, file.pages])).toEqual([
        [`image/${type}`, 1],
        [`image/${type}`, 1],
      ]);
      const [second, first] = await Promise.all(outcome.files.map((file) => pixelsOf(Buffer.concat(file.chunks))));
      expect([first?.width, first?.height]).toEqual([420, 596]);
      expect([first?.at(200, 300)[0], second?.at(200, 300)[0]].map((red) => (red ?? 0) > 200)).toEqual([true, false]);
    } finally {
      await finisher.stop();
    }
  });
});
