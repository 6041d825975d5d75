import type { Printable } from './printable.ts';
import { withoutBase64 } from './without-base64.ts';

/**
 * Signs that a static document changes with its animation frames, or that a style sheet elsewhere may say so. They match
 * too much rather than too little.
 */
const SIGNS = /animat|@starting-style|content-visibility|<set\b|<marquee|autofocus|<link|@import|@\\/i;

/**
 * Whether a document has to be drawn as in a window, frame by frame, to be printed as it should. A static one is laid
 * out for print without that, unless it moves, has to be waited for, or is laid out in a viewport of its own.
 */
export function needsFrames(request: Printable): boolean {
  const { isStatic, ownOrigin, content, addStyleTag = [] } = request;
  const { picture, singlePage, viewport, waitForSelector, waitForTimeout, gotoOptions } = request;
  if (!isStatic || !('html' in content) || content.html === undefined || content.arrange !== undefined) return true;
  if (ownOrigin && !ownOrigin.isBase) return true;
  if ([gotoOptions.waitUntil].flat().some((event) => event.startsWith('networkidle'))) return true;
  if (picture || singlePage || viewport || waitForSelector || waitForTimeout) return true;
  if (addStyleTag.some(({ content: css }) => css === undefined || SIGNS.test(css))) return true;
  return SIGNS.test(withoutBase64(content.html));
}
