import { messageOf } from '../kernel/errors.ts';

/**
 * What an error of Chromium or puppeteer means. They give no code to tell errors apart: DevTools answers every failed
 * command with code -32000, and puppeteer throws plain errors. Only their English text differs, so every text that we
 * rely on is in this file.
 */
type BrowserErrorKind = 'invalid selector' | 'navigated away' | 'terminated' | 'page ranges' | 'margins' | 'printing';

const TEXTS: Record<BrowserErrorKind, RegExp> = {
  'invalid selector': /is not a valid selector|not a valid XPath|SyntaxError/i,
  'navigated away': /context was destroyed|target navigated|cannot find context|was collected|detached/i,
  terminated: /execution was terminated/i,
  'page ranges': /page range/i,
  margins: /invalid print parameters|content area is empty|margin/i,
  printing: /printing failed/i,
};

/** Whether an error is of this kind. Only for the error of an operation that can fail in this way. */
export function isBrowserError(error: unknown, kind: BrowserErrorKind): boolean {
  return TEXTS[kind].test(messageOf(error));
}

/** Chromium's name for a failed navigation, such as `ERR_NAME_NOT_RESOLVED`; undefined for other errors. */
export function networkErrorOf(error: unknown): string | undefined {
  return /net::(ERR_[A-Z_]+)/.exec(messageOf(error))?.[1];
}
