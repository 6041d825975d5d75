import { expect, it } from 'vitest';
import { undoLater } from '../support/clean-up.ts';
import { finished, startSteps } from '../support/finished.ts';
import { picturesOfPages } from '../support/pdf-tools.ts';
import { pixelsOf } from '../support/pixels.ts';
import { createRenderer } from '../support/renderer.ts';

// Where layers are on pages, and what they look like there, in pictures by poppler.

const { renderer } = await createRenderer();
await renderer.start();
undoLater(() => renderer.stop());
const deps = { renderer, finisher: await startSteps() };

/** Points, and at 72 dpi pixels. */
const [WIDTH, HEIGHT] = [300, 400];
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><rect width="80" height="40" fill="#f00"/></svg>';
const ROUNDING = 2;

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The box of all that is red on a page, in pixels; a text is a little smaller than its lines. */
async function redOn(png: Uint8Array): Promise<Box> {
  const { width, height, at } = await pixelsOf(png);
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [red = 0, green = 255] = at(x, y);
      if (red - green < 60) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
    }
  return box;
}

/** All layers, each on a page of its own. */
async function boxesOf(layers: readonly object[]): Promise<Box[]> {
  const html = `<style>@page { size: ${WIDTH}pt ${HEIGHT}pt; margin: 0 }</style>${layers.map(() => '<p style="break-after: page">x</p>').join('')}`; // prettier-ignore
  const overlay = layers.map((layer, index) => ({ ...layer, pages: String(index + 1) }));
  const files = { 'a.svg': Buffer.from(SVG) };
  const made = await finished(deps, { html, options: { preferCSSPageSize: true }, finishing: { overlay } }, files);
  if (!Array.isArray(made)) throw new Error(JSON.stringify(made));
  const pictures = picturesOfPages(made[0]?.bytes ?? new Uint8Array(), { dpi: 72 });
  return Promise.all(pictures.slice(0, layers.length).map(redOn));
}

it('an image is as large as it says, where it says, as it is turned', async () => {
  const image = 'a.svg'; // 60 by 30 points
  const cases: [object, Box][] = [
    [{ image }, { left: 120, top: 185, right: 180, bottom: 215 }],
    [{ image, scale: 2, position: 'top', margin: 10 }, { left: 90, top: 10, right: 210, bottom: 70 }],
    [{ image, scale: 10 }, { left: 0, top: 50, right: 300, bottom: 350 }],
    [{ image, fit: 0.5 }, { left: 75, top: 162, right: 225, bottom: 238 }],
    [{ image, fit: 1, position: 'bottom', margin: 0 }, { left: 0, top: 250, right: 300, bottom: 400 }],
    [{ image, width: '120pt', rotate: 90, position: 'left', margin: 5 }, { left: 5, top: 140, right: 65, bottom: 260 }],
    [{ image, scale: 1, position: 'top-left', margin: 0, offset: { x: 20, y: '30pt' } }, { left: 20, top: 30, right: 80, bottom: 60 }],
    [{ image, scale: 1, position: 'bottom-right', margin: 0, offset: { x: '-20pt', y: -30 } }, { left: 220, top: 340, right: 280, bottom: 370 }],
    // a diagonal of 3, 4 and 5: half of the box's sides, turned
    [{ image, scale: 1, rotate: 'diagonal-up' }, { left: 120, top: 167, right: 180, bottom: 233 }],
  ]; // prettier-ignore
  const boxes = await boxesOf(cases.map(([layer]) => layer));
  for (const [index, [layer, expected]] of cases.entries())
    for (const side of ['left', 'top', 'right', 'bottom'] as const)
      expect(Math.abs((boxes[index]?.[side] ?? 0) - expected[side]), `${JSON.stringify(layer)} ${side}`).toBeLessThanOrEqual(ROUNDING); // prettier-ignore
});

it('a text has its font, its lines and its background', async () => {
  const color = '#ff0000';
  const text = { color, position: 'top-left', margin: 20, fontSize: 20 };
  const sizeOf = ({ left, right, top, bottom }: Box) => [right - left, bottom - top] as const;
  const [one, three, narrow, times, courier, bold, small, full, back, turned] = (
    await boxesOf([
      { ...text, text: 'Wide line' },
      { ...text, text: 'Wide line\nand\nthird' },
      { ...text, text: 'i i i\nWide line', align: 'right' },
      { ...text, text: 'Wide line', fontFamily: 'Times' },
      { ...text, text: 'Wide line', fontFamily: 'Courier' },
      { ...text, text: 'Wide line', bold: true },
      { ...text, text: 'Wide line', scale: 0.5 },
      { ...text, text: 'Wide line', fit: 1, margin: 0, position: 'center' },
      { text: 'Back', background: color, padding: 30, fontSize: 20, scale: 1 },
      { color, text: 'CONFIDENTIAL', fit: 0.8, rotate: 'diagonal-up' },
    ])
  ).map(sizeOf);
  const [width = 0, height = 0] = one ?? [];
  expect(three?.[0]).toBe(width);
  expect(three?.[1]).toBeGreaterThan(height + 2 * 22);
  expect(narrow?.[0]).toBe(width);
  const widths = [one, times, courier, bold].map((size) => size?.[0]);
  expect(new Set(widths).size).toBe(4);
  expect(Math.abs((small?.[0] ?? 0) - width / 2)).toBeLessThanOrEqual(ROUNDING);
  expect(full?.[0]).toBeGreaterThan(WIDTH * 0.95);
  expect(back?.[1]).toBeGreaterThanOrEqual(2 * 30 + 20);
  const [across = 0, up = 0] = turned ?? [];
  expect(up / across).toBeCloseTo(HEIGHT / WIDTH, 0);
  expect(Math.hypot(across, up)).toBeGreaterThan(WIDTH * 0.75);
});
