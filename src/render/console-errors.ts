import type { ConsoleMessage, Page } from 'puppeteer';
import type { PrintSettings } from '../domain/pdf-request.ts';
import { CodedError, messageOf } from '../kernel/errors.ts';
import { listed } from './listed.ts';

/** Characters of a message that are shown. */
const SHOWN = 300;
const MAX_ERRORS = 1_000;

type Kinds = Exclude<PrintSettings['failOnConsoleError'], false>;

/**
 * Finds each `console.error` of the page's scripts and each error that they do not catch, or these only. Those of a
 * document that is still read fail the job together, later ones at once.
 */
export class ConsoleErrors {
  readonly #page: Page;
  readonly #kinds: Kinds;
  readonly #fail: (error: CodedError) => void;
  readonly #texts: string[] = [];
  #isRead = false;

  /** @param fail called with the error of the job */
  constructor(page: Page, kinds: Kinds, fail: (error: CodedError) => void) {
    this.#page = page;
    this.#kinds = kinds;
    this.#fail = fail;
    if (kinds === true) page.on('console', this.#onConsole);
    page.on('pageerror', this.#onError);
    page.on('domcontentloaded', this.loaded);
  }

  /** Must be called when the document has loaded: one that stopped itself is never read to its end. */
  readonly loaded = (): void => {
    this.#isRead = true;
    if (this.#texts.length > 0) this.#fail(this.#error());
  };

  end(): void {
    this.#page.off('domcontentloaded', this.loaded);
    this.#page.off('console', this.#onConsole);
    this.#page.off('pageerror', this.#onError);
  }

  readonly #onConsole = (message: ConsoleMessage) => {
    // What the browser itself reports, such as an image that does not load, has no arguments.
    if (message.type() === 'error' && message.args().length > 0) this.#found(message.text());
  };
  readonly #onError = (error: unknown) =>
    this.#found(error instanceof Error ? `${error.name}: ${error.message}` : messageOf(error));

  #found(text: string): void {
    const shown = text
      .toWellFormed()
      .replaceAll(/\p{Cc}+/gu, ' ')
      .slice(0, SHOWN);
    if (this.#texts.length < MAX_ERRORS) this.#texts.push(shown);
    if (this.#isRead) this.#fail(this.#error());
  }

  #error(): CodedError {
    const what = this.#kinds === true ? 'logged errors' : 'threw what nothing catches';
    return new CodedError('console_error', listed(`scripts of the document ${what}`, this.#texts));
  }
}
