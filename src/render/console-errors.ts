import type { ConsoleMessage, Page } from 'puppeteer';
import { messageOf } from '../kernel/errors.ts';

/** Characters of a message that are shown. */
const SHOWN = 300;

/**
 * Calls `found` with the text of each `console.error` of the page's scripts, and of each error that they do not catch.
 * @returns a function that ends that
 */
export function watchConsoleErrors(page: Page, found: (text: string) => void): () => void {
  const shown = (text: string) =>
    text
      .toWellFormed()
      .replaceAll(/\p{Cc}+/gu, ' ')
      .slice(0, SHOWN);
  const onConsole = (message: ConsoleMessage) => {
    // What the browser itself reports, such as an image that does not load, has no arguments.
    if (message.type() === 'error' && message.args().length > 0) found(shown(message.text()));
  };
  const onError = (error: unknown) => found(shown(messageOf(error)));
  page.on('console', onConsole);
  page.on('pageerror', onError);
  return () => {
    page.off('console', onConsole);
    page.off('pageerror', onError);
  };
}
