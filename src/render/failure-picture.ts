import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError, type ErrorCode } from '../kernel/errors.ts';
import type { WarmPage } from './warm-page.ts';

/** Milliseconds after which a page counts as hanging, and gets no picture. */
const ANSWER_MS = 500;
/** Milliseconds for the picture. */
const PICTURE_MS = 1_200;
const MAX_BYTES = 524_288;
/** JPEG qualities: the second if the first is too large. */
const QUALITIES = [70, 30];
const MAX_WIDTH = 1_000;
const MAX_HEIGHT = 2_000;

/** The document did not come into the page at all. */
const NOTHING_SHOWN: ReadonlySet<ErrorCode> = new Set(['navigation_failed', 'egress_denied', 'unavailable']);

/** Whether a page that failed so shows something of the document. */
export function showsFailure(error: unknown): boolean {
  return error instanceof DeadlineExceeded || (error instanceof CodedError && !NOTHING_SHOWN.has(error.code));
}

/**
 * What the page shows right now, as a JPEG of at most 512 KB. Takes at most two seconds: a page that hangs has none.
 * @returns undefined if there is none
 */
export async function takeFailurePicture(warm: WarmPage): Promise<Uint8Array | undefined> {
  const { session } = warm.tab;
  try {
    const asking = warm.draw(true).then(() => session.send('Page.getLayoutMetrics'));
    const { cssLayoutViewport, cssVisualViewport } = await new Deadline(ANSWER_MS).race('an answer', asking);
    const { clientWidth: width, clientHeight: height } = cssLayoutViewport;
    const scale = Math.min(1, MAX_WIDTH / Math.max(1, width));
    const { pageX: x, pageY: y } = cssVisualViewport; // a script may have scrolled
    const clip = { x, y, width, height: Math.min(height, MAX_HEIGHT / scale), scale };
    const deadline = new Deadline(PICTURE_MS);
    for (const quality of QUALITIES) {
      const taking = session.send('Page.captureScreenshot', { format: 'jpeg', quality, clip, optimizeForSpeed: true });
      const { data } = await deadline.race('a picture', taking);
      const bytes = Buffer.from(data, 'base64');
      if (bytes.byteLength <= MAX_BYTES) return bytes;
    }
    return undefined;
  } catch {
    return undefined; // it is an extra: the failure is what counts
  }
}
