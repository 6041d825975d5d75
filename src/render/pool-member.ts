import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { isStopped } from '../kernel/processes.ts';
import { BrowserWatch, RendererGone } from './browser-watch.ts';
import type { Chromium } from './chromium.ts';

/** The browser of a document ended, or was ended because it did not answer. */
export class BrowserGone extends Error {
  override name = 'BrowserGone';
  /** it was killed or stopped, or we had done with it: nothing that a document can do */
  readonly isFromOutside: boolean;

  constructor(message: string, { isFromOutside }: { isFromOutside: boolean }) {
    super(message);
    this.isFromOutside = isFromOutside;
  }
}

/**
 * Looks in a row, one a second, at which a browser has not answered: then it hangs. Not milliseconds, for it is
 * our fault if the answer was there and nobody read it: however long this process stood still, that is one look.
 */
const SILENT_LOOKS = 6;
/** Milliseconds that a browser has for an answer when a document was late in it, before that is held against the document. */
const ANSWER_TIMEOUT_MS = 2_000;
/** Milliseconds for the end of a process to be heard of, after what came of it was. */
const END_NOTICE_MS = 500;

/** A browser of the pool, and what is known of it. */
export class PoolMember {
  readonly chromium: Chromium;
  readonly watch: BrowserWatch;
  readonly startedAt = performance.now();
  /** documents being rendered in it, and pages being opened for one */
  busy = 0;
  /** rendered so far */
  documents = 0;
  /** as last looked at */
  bytes = 0;
  /** since when nothing was rendered in it */
  idleSince = performance.now();
  /** for one document that has it for itself, or waits until it has */
  isReserved = false;
  /** takes no more documents; closed when the last one is done */
  isRetiring = false;
  isBeingReplaced = false;
  readonly #ended = new AbortController();
  #isAsked = false;
  #silentChecks = 0;

  private constructor(chromium: Chromium, watch: BrowserWatch) {
    this.chromium = chromium;
    this.watch = watch;
  }

  static async start(launch: () => Promise<Chromium>): Promise<PoolMember> {
    const chromium = await launch();
    try {
      return new PoolMember(chromium, await BrowserWatch.start(chromium.browser));
    } catch (error) {
      await chromium.close();
      throw error;
    }
  }

  /** Aborts when the browser is gone, or given up; its reason is a {@link BrowserGone}. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Its pipe closes before its end is heard of: who is tried again at that moment must not come here again. */
  get isConnected(): boolean {
    return this.chromium.browser.connected;
  }

  /** Settles with why the browser's process has ended. */
  async exited(): Promise<BrowserGone> {
    const signal = await this.chromium.exited;
    const isFromOutside = signal === 'SIGKILL' || signal === 'SIGTERM';
    return new BrowserGone(`the browser ended (${signal ?? 'by itself'})`, { isFromOutside });
  }

  /** What is rendered in it hears of it at once. */
  end(why: BrowserGone): void {
    this.isRetiring = true;
    this.#ended.abort(why);
  }

  /** Why it is ended if it does not answer. */
  silence(): BrowserGone {
    return new BrowserGone('the browser did not answer', { isFromOutside: isStopped(this.chromium.pid) });
  }

  /** Asks it for a sign of life, once a second. @returns whether it hangs: it has given none for too long */
  look(): boolean {
    if (this.#isAsked) return ++this.#silentChecks >= SILENT_LOOKS;
    this.#isAsked = true;
    this.watch.ask().then(
      () => {
        this.#isAsked = false;
        this.#silentChecks = 0;
      },
      () => undefined, // its connection is closed, so its process has ended, or will be ended for its silence
    );
    return false;
  }

  /**
   * Why work in a page of this browser failed: beneath what it says, the end of the page or of the browser may lie.
   * @param onSilent ends a browser that does not answer
   * @returns RendererGone, BrowserGone, or the error as it was
   */
  async causeOf(error: unknown, pageEnded: AbortSignal, onSilent: () => void): Promise<unknown> {
    const endOf = () => (pageEnded.aborted ? pageEnded : this.ended).reason as unknown;
    // A browser that is told to end closes its pages first.
    if (isOfClosing(pageEnded.reason)) {
      await this.#awaitEnd();
      return this.ended.reason ?? pageEnded.reason;
    }
    if (endOf() ?? isCertain(error)) return endOf() ?? error;
    // What did not come in time did not come because the browser hangs, if it does.
    if (this.isConnected && !(await this.watch.answers(ANSWER_TIMEOUT_MS))) onSilent();
    const isOfTime = error instanceof CodedError || error instanceof DeadlineExceeded;
    if (!endOf() && !(isOfTime && this.isConnected)) await this.#awaitEnd(pageEnded);
    return endOf() ?? error;
  }

  /** What an end does to a page is heard of before the end itself. */
  async #awaitEnd(pageEnded?: AbortSignal): Promise<void> {
    const never = new Promise<never>(() => undefined);
    try {
      await new Deadline(END_NOTICE_MS).race('an end', unlessAborted([pageEnded, this.ended], never));
    } catch {
      // it has come, or there is none
    }
  }
}

const isOfClosing = (error: unknown) => error instanceof RendererGone && error.how === 'closed';

/** It was seen, and does not only follow from what was not. */
const isCertain = (error: unknown) => error instanceof CodedError && error.code !== 'selector_not_found';
