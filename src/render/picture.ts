import { createHash } from 'node:crypto';
import type { PictureOutput } from '../domain/output.ts';
import type { PdfBytes } from '../domain/outcome.ts';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { CodedError } from '../kernel/errors.ts';
import { isBrowserError } from './browser-error.ts';
import { DEFAULT_VIEWPORT, type Tab } from './tab.ts';

/** Pixels of a side, at most: Chromium repeats what is beyond. */
const MAX_SIDE = 16_383;
/** Pixels, at most. The browser sends a picture in one piece. */
const MAX_PIXELS = 20_000_000;
const DEFAULT_QUALITY = 80;

type Shape = Record<'x' | 'y' | 'width' | 'height', number>;

/**
 * Takes a picture of the page.
 * @param maxBytes of the picture
 * @throws CodedError `selector_not_found`, `print_failed` if it would be too large, `pdf_too_large`
 */
export async function takePicture(
  tab: Tab,
  { picture, viewport }: { picture: PictureOutput; viewport?: PrintSettings['viewport'] | undefined },
  { maxBytes }: { maxBytes: number },
): Promise<PdfBytes> {
  const { session } = tab;
  const { type, quality = DEFAULT_QUALITY, omitBackground = false } = picture;
  const shape = await shapeOf(tab, picture, viewport ?? DEFAULT_VIEWPORT);
  const { deviceScaleFactor: scale = 1 } = viewport ?? {};
  checkSize(shape, scale, fieldOf(picture));
  if (omitBackground)
    await session.send('Emulation.setDefaultBackgroundColorOverride', { color: { r: 0, g: 0, b: 0, a: 0 } });
  try {
    const { data } = await session.send('Page.captureScreenshot', {
      format: type,
      ...(type !== 'png' && { quality }),
      // The scale of the viewport is another session's, and does not count for this one.
      clip: { ...shape, scale },
      captureBeyondViewport: fieldOf(picture) !== 'viewport',
    });
    const bytes = Buffer.from(data, 'base64');
    const size = bytes.byteLength;
    if (size > maxBytes) throw new CodedError('pdf_too_large', `the picture is larger than ${maxBytes} bytes`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { chunks: [bytes], size, sha256, pages: 1, type: `image/${type}` };
  } finally {
    // Otherwise the next document in this page would have it.
    if (omitBackground) await session.send('Emulation.setDefaultBackgroundColorOverride').catch(() => undefined);
  }
}

const fieldOf = ({ fullPage, clip, selector }: PictureOutput) =>
  selector !== undefined ? 'output.selector' : clip ? 'output.clip' : fullPage ? 'output.fullPage' : 'viewport';

/** What it shows, in pixels of the document. */
async function shapeOf(
  tab: Tab,
  { fullPage, clip, selector }: PictureOutput,
  viewport: Pick<Shape, 'width' | 'height'>,
): Promise<Shape> {
  if (selector !== undefined) return elementShape(tab, selector);
  if (clip) return clip;
  const { cssContentSize: content, cssVisualViewport } = await tab.session.send('Page.getLayoutMetrics');
  if (fullPage) return { x: 0, y: 0, width: Math.max(1, content.width), height: Math.max(1, content.height) };
  const { pageX: x, pageY: y } = cssVisualViewport; // a script may have scrolled
  return { x, y, width: viewport.width, height: viewport.height };
}

/** Whole pixels around the element. */
async function elementShape({ page }: Tab, selector: string): Promise<Shape> {
  const notFound = (message: string) => new CodedError('selector_not_found', `output.selector: ${message}`);
  const element = await page.$(selector).catch((error: unknown) => {
    if (isBrowserError(error, 'invalid selector')) throw notFound('it is not a valid selector');
    throw error;
  });
  if (!element)
    throw notFound(`nothing is found by ${JSON.stringify(selector.slice(0, 200))}; waitForSelector waits for it`);
  const box = await element.evaluate((node) => {
    const { left, top, right, bottom } = (node as unknown as Measured).getBoundingClientRect();
    const { scrollX, scrollY } = globalThis as unknown as Record<'scrollX' | 'scrollY', number>;
    return { left: left + scrollX, top: top + scrollY, right: right + scrollX, bottom: bottom + scrollY };
  });
  await element.dispose();
  const [x, y] = [Math.max(0, Math.floor(box.left)), Math.max(0, Math.floor(box.top))];
  const [width, height] = [Math.ceil(box.right) - x, Math.ceil(box.bottom) - y];
  if (!(box.right > box.left && box.bottom > box.top && width > 0 && height > 0))
    throw notFound(`what ${JSON.stringify(selector.slice(0, 200))} finds is not shown`);
  return { x, y, width, height };
}

/** An element, as far as it is needed: this code is run by the browser. */
interface Measured {
  getBoundingClientRect(): Record<'left' | 'top' | 'right' | 'bottom', number>;
}

/** @throws CodedError `print_failed` */
function checkSize({ width, height }: Pick<Shape, 'width' | 'height'>, deviceScaleFactor: number, field: string): void {
  const [across, down] = [Math.ceil(width * deviceScaleFactor), Math.ceil(height * deviceScaleFactor)];
  if (across * down <= MAX_PIXELS && Math.max(across, down) <= MAX_SIDE) return;
  const most = `at most ${MAX_SIDE} on a side and ${MAX_PIXELS / 1e6} million in all`;
  throw new CodedError('print_failed', `${field}: the picture would have ${across} × ${down} pixels; allowed: ${most}`);
}
