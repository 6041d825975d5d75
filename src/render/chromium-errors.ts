import { messageOf } from '../kernel/errors.ts';

/*
 * Chromium answers nearly every failed command with the same code (-32000), and puppeteer has no class of its own for
 * these errors. What went wrong is only in the text. No other file reads the text of an error.
 */

const TEXTS = {
  'page ranges': /page range/i,
  margins: /invalid print parameters|content area is empty|margin/i,
  printing: /Printing failed/i,
  /** a script of ours was running when its document went away */
  'document gone': /context was destroyed|target navigated|cannot find context|was collected|detached/i,
  selector: /is not a valid selector|not a valid XPath|SyntaxError/i,
};

/** Whether an error of Chromium or puppeteer is about `subject`. */
export function isAbout(error: unknown, subject: keyof typeof TEXTS): boolean {
  return TEXTS[subject].test(messageOf(error));
}

/** `ERR_NAME_NOT_RESOLVED`, … if a navigation failed in the network. */
export function networkErrorOf(error: unknown): string | undefined {
  return /net::(ERR_[A-Z_]+)/.exec(messageOf(error))?.[1];
}
