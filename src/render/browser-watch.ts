import type { Browser, CDPSession } from 'puppeteer';
import { Deadline } from '../kernel/deadline.ts';

/**
 * Why a page's renderer process ended:
 * - `crashed`: its document crashed it
 * - `closed`: its document closed the page
 * - `killed`: by a signal from outside, such as the kernel's or an operator's
 * - the others: evicted, since the document exceeded its limit, filled the memory alone, or was the largest when memory
 *   ran out
 */
export type RendererEnd = 'crashed' | 'closed' | 'killed' | 'too large' | 'fills the memory' | 'largest';

/** The renderer process of a document ended. */
export class RendererGone extends Error {
  override name = 'RendererGone';
  readonly how: RendererEnd;

  constructor(how: RendererEnd) {
    super(`the renderer process ended: ${how}`);
    this.how = how;
  }
}

const START_TIMEOUT_MS = 10_000;

/** A session with a browser itself, to check whether it answers and to learn of pages that crash or close. */
export class BrowserWatch {
  readonly #session: CDPSession;
  readonly #listeners = new Map<string, (end: RendererEnd) => void>();

  private constructor(session: CDPSession) {
    this.#session = session;
    session.on('Target.targetCrashed', ({ targetId, status }) => {
      // `killed` means SIGKILL or SIGTERM. A document causes `crashed` (a full stack, a failed check, a heap without
      // memory) or `abnormal`.
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

  /** Calls `listener` when the renderer of this page ends. @returns a function that removes the listener */
  onRendererEnd(targetId: string, listener: (end: RendererEnd) => void): () => void {
    this.#listeners.set(targetId, listener);
    return () => this.#listeners.delete(targetId);
  }

  /** One round trip to the browser. Rejects if the connection is closed. */
  async ask(): Promise<void> {
    await this.#session.send('Browser.getVersion');
  }
}
