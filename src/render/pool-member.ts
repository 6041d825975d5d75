import { unlessAborted } from '../kernel/abort.ts';
import { Deadline, DeadlineExceeded } from '../kernel/deadline.ts';
import { CodedError } from '../kernel/errors.ts';
import { privateBytes, processTree, proportionalBytes } from '../memory/processes.ts';
import { BrowserWatch, RendererGone } from './browser-watch.ts';
import type { Chromium } from './chromium.ts';

/** The browser of a document ended, or was ended because it did not answer. */
export class BrowserGone extends Error {
  override name = 'BrowserGone';
  /** whether no document can have caused it: a signal, or our own decision */
  readonly isFromOutside: boolean;

  constructor(message: string, { isFromOutside }: { isFromOutside: boolean }) {
    super(message);
    this.isFromOutside = isFromOutside;
  }
}

/**
 * Consecutive checks, one per second, without an answer after which a browser counts as hanging. Checks and not
 * milliseconds: when this process itself was stopped for long, that must count as one check only.
 */
const MAX_UNANSWERED_CHECKS = 6;
/** For the answer of a browser in which a document was late: if it comes, the document is the cause. */
const ANSWER_TIMEOUT_MS = 2_000;
/** For the report of a process's end, which may arrive after its consequences. */
const END_NOTICE_MS = 500;

/** A browser of the pool and its state. */
export class PoolMember {
  readonly chromium: Chromium;
  readonly watch: BrowserWatch;
  readonly startedAt = performance.now();
  /** documents in progress, including pages that are being opened */
  busy = 0;
  /** documents rendered so far */
  documents = 0;
  /** memory, as last measured */
  bytes = 0;
  /** when the last document left */
  idleSince = performance.now();
  /** for one document that has the browser to itself, or waits until it has */
  isReserved = false;
  /** takes no more documents; closed when the last one is done */
  isRetiring = false;
  isBeingReplaced = false;
  readonly #ended = new AbortController();
  #isAsked = false;
  #unansweredChecks = 0;

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

  /** Aborts when the browser has ended or is being ended; its reason is a {@link BrowserGone}. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** The pipe closes before the process's end is reported, so this prevents a retry in a browser that has just ended. */
  get isConnected(): boolean {
    return this.chromium.browser.connected;
  }

  /** Whether it takes another document, of at most so many at a time. */
  hasCapacity(maxDocuments: number): boolean {
    return !this.isRetiring && !this.isReserved && this.isConnected && this.busy < maxDocuments;
  }

  /** Settles when the browser's process has ended, with the reason. */
  async exited(): Promise<BrowserGone> {
    const signal = await this.chromium.exited;
    const isFromOutside = signal === 'SIGKILL' || signal === 'SIGTERM';
    return new BrowserGone(`the browser ended (${signal ?? 'by itself'})`, { isFromOutside });
  }

  /** Aborts the documents in it. */
  end(reason: BrowserGone): void {
    this.isRetiring = true;
    this.#ended.abort(reason);
  }

  /** Sends a heartbeat request, once per second. @returns whether the browser hangs */
  isHanging(): boolean {
    if (this.#isAsked) return ++this.#unansweredChecks >= MAX_UNANSWERED_CHECKS;
    this.#isAsked = true;
    this.watch.ask().then(
      () => {
        this.#isAsked = false;
        this.#unansweredChecks = 0;
      },
      () => undefined, // the connection is closed: the process has ended, or further checks will end it
    );
    return false;
  }

  /** Measures its memory. @returns whether it uses more than so many bytes */
  exceeds(limit: number): boolean {
    const pids = processTree(this.chromium.pid);
    this.bytes = sum(pids.map(privateBytes));
    // The exact figure takes 1 ms per process, so it is read only close to the limit.
    return this.bytes > limit * 0.8 && sum(pids.map(proportionalBytes)) > limit;
  }

  /**
   * The cause of a failure in a page of this browser, which may be the end of the page or of the browser.
   * @param onHang called if the browser does not answer, to end it
   * @returns RendererGone, BrowserGone or the given error
   */
  async causeOf(error: unknown, pageEnded: AbortSignal, onHang: () => void): Promise<unknown> {
    const endReason = () => (pageEnded.aborted ? pageEnded : this.ended).reason as unknown;
    // A browser that is asked to end closes its pages first.
    if (pageEnded.reason instanceof RendererGone && pageEnded.reason.how === 'closed') {
      await this.#awaitEnd();
      return this.ended.reason ?? pageEnded.reason;
    }
    if (endReason() ?? isConclusive(error)) return endReason() ?? error;
    // A hanging browser can be why something did not happen in time.
    if (this.isConnected && !(await this.#answers())) onHang();
    const isOfDocument = error instanceof CodedError || error instanceof DeadlineExceeded;
    if (!endReason() && !(isOfDocument && this.isConnected)) await this.#awaitEnd(pageEnded);
    return endReason() ?? error;
  }

  #answers(): Promise<boolean> {
    return new Deadline(ANSWER_TIMEOUT_MS).race('an answer of the browser', this.watch.ask()).then(
      () => true,
      () => false,
    );
  }

  async #awaitEnd(pageEnded?: AbortSignal): Promise<void> {
    const never = new Promise<never>(() => undefined);
    await new Deadline(END_NOTICE_MS)
      .race('an end', unlessAborted([pageEnded, this.ended], never))
      .catch(() => undefined);
  }
}

export const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** Whether the error cannot follow from a missing answer. A selector that was not found can. */
const isConclusive = (error: unknown) => error instanceof CodedError && error.code !== 'selector_not_found';
