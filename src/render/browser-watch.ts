import type { Browser, CDPSession } from 'puppeteer';
import { Deadline } from '../kernel/deadline.ts';

/**
 * How a page's renderer process came to its end:
 * - `crashed`: by itself, which is its document's doing
 * - `closed`: with its page, which nobody but its document can have closed
 * - `killed`: from outside: by the kernel, an operator, somebody who tries us
 * - the others by us: the document took more than one may, filled the memory alone, or was the largest when it ran out
 */
export type RendererEnd = 'crashed' | 'closed' | 'killed' | 'too large' | 'fills the memory' | 'largest';

/** The renderer of a document's page has ended. */
export class RendererGone extends Error {
  override name = 'RendererGone';
  readonly how: RendererEnd;

  constructor(how: RendererEnd) {
    super(`the renderer process ended: ${how}`);
    this.how = how;
  }
}

const START_TIMEOUT_MS = 10_000;

/** Asks one browser whether it is there, and hears from it which pages have crashed or are gone: on a connection to the browser itself, not to a page. */
export class BrowserWatch {
  readonly #session: CDPSession;
  readonly #listeners = new Map<string, (end: RendererEnd) => void>();

  private constructor(session: CDPSession) {
    this.#session = session;
    session.on('Target.targetCrashed', ({ targetId, status }) => {
      // A process that got SIGKILL or SIGTERM was `killed`. What a document does to its own ends in `crashed` (a full
      // stack, a failed check, no memory for the heap) or `abnormal`.
      this.#listeners.get(targetId)?.(status === 'killed' ? 'killed' : 'crashed');
    });
    session.on('Target.targetDestroyed', ({ targetId }) => this.#listeners.get(targetId)?.('closed'));
  }

  /** @throws DeadlineExceeded if the browser does not answer */
  static async start(browser: Browser): Promise<BrowserWatch> {
    const start = async () => {
      const session = await browser.target().createCDPSession();
      await session.send('Target.setDiscoverTargets', { discover: true, filter: [{ type: 'page' }] });
      return new BrowserWatch(session);
    };
    return new Deadline(START_TIMEOUT_MS).race('watching a browser', start());
  }

  /** Calls `listener` when the renderer of this page ends. @returns what stops it */
  onRendererEnd(targetId: string, listener: (end: RendererEnd) => void): () => void {
    this.#listeners.set(targetId, listener);
    return () => this.#listeners.delete(targetId);
  }

  /** One round trip: what puppeteer has of the browser's version is a copy. Rejects if the connection is closed. */
  async ask(): Promise<void> {
    await this.#session.send('Browser.getVersion');
  }

  /** Whether the browser answers within so many milliseconds. */
  async answers(timeoutMs: number): Promise<boolean> {
    return new Deadline(timeoutMs).race('an answer of the browser', this.ask()).then(
      () => true,
      () => false,
    );
  }
}
