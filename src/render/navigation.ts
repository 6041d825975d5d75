import type { CDPSession, HTTPRequest, HTTPResponse, Protocol } from 'puppeteer';
import type { Tab } from './tab.ts';

/** A document that refreshes to another within so many seconds is not the one to print. */
const MAX_REFRESH_DELAY_S = 1;

/** A document that the page has navigated to. */
interface Destination {
  url: string;
  /** the URL that failed to load; the browser shows its own error page instead */
  unreachableUrl?: string | undefined;
}

/**
 * The navigations of a page that its document starts: a refresh, `location`, a form, the history. Events come in the
 * order in which things happen, and before the answer to any later command in the same session.
 */
export class Navigation {
  readonly #session: CDPSession;
  readonly #frameId: string;
  #listening: Promise<void> | undefined;
  #response: HTTPResponse | undefined;
  #last: Destination | undefined;
  #count = 0;
  #isAnnounced = false;
  /** the URL of the navigation in progress */
  #target: string | undefined;
  #isParsed = true;
  #isLoaded = true;
  #onChange: (() => void) | undefined;
  #onNavigated: (() => void) | undefined;

  constructor({ session, frameId }: Pick<Tab, 'session' | 'frameId'>) {
    this.#session = session;
    this.#frameId = frameId;
  }

  /** Resets the state for the next document: forgets the navigations of the last one and of wiping the page. */
  begin(): void {
    this.#count = 0;
    this.#last = this.#response = this.#target = undefined;
    this.#isAnnounced = false;
    this.#isParsed = this.#isLoaded = true;
  }

  /** For a document that can navigate. From then on the page gets a handful of events per document. */
  listen(): Promise<void> {
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  /** Navigations so far, including the first one of a `url`. */
  get count(): number {
    return this.#count;
  }

  /** The last navigation with the response to its request; undefined if there was none. */
  get last(): (Destination & { response: HTTPResponse | undefined }) | undefined {
    if (!this.#last) return undefined;
    // The events give a document's URL without its fragment.
    const isItsResponse = this.#response?.url().replace(/#.*/s, '') === this.#last.url;
    return { ...this.#last, response: isItsResponse ? this.#response : undefined };
  }

  /** Whether a navigation is in progress or about to begin. */
  get isNavigating(): boolean {
    return this.#isAnnounced || this.#target !== undefined;
  }

  /** Resolves when the page is not leaving and its document is loaded, or at least parsed. */
  settled(until: 'load' | 'domcontentloaded'): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onChange = () => {
      const isDone = this.#isLoaded || (until === 'domcontentloaded' && this.#isParsed);
      if (!this.isNavigating && isDone) resolve();
    };
    this.#onChange();
    return promise;
  }

  /** Resolves at the next navigation. */
  moved(): Promise<void> {
    return new Promise((resolve) => (this.#onNavigated = resolve));
  }

  /** Must be called with each response to a navigation of the main frame. */
  answered(response: HTTPResponse): void {
    this.#response = response;
  }

  /** Must be called when a navigation of the main frame ends without a new document: such as a download or an empty response. */
  aborted(request: HTTPRequest): void {
    const [first = request] = request.redirectChain();
    if (this.#target === first.url()) this.#target = undefined;
    this.#onChange?.();
  }

  async #listen(): Promise<void> {
    const session = this.#session;
    const ofMain =
      <T extends { frameId: string }>(listener: (event: T) => void) =>
      (event: T) => {
        if (event.frameId !== this.#frameId) return;
        listener(event);
        this.#onChange?.();
      };
    session.on(
      'Page.frameScheduledNavigation',
      ofMain(({ delay, url }: Protocol.Page.FrameScheduledNavigationEvent) => {
        // A document that refreshes itself, such as a dashboard, is printed all the same.
        this.#isAnnounced = delay === 0 || (delay <= MAX_REFRESH_DELAY_S && url !== this.#last?.url);
      }),
    );
    session.on(
      'Page.frameClearedScheduledNavigation',
      ofMain(() => (this.#isAnnounced = false)),
    );
    session.on(
      'Page.frameStartedNavigating',
      ofMain(({ navigationType, url }: Protocol.Page.FrameStartedNavigatingEvent) => {
        if (!/sameDocument/i.test(navigationType)) this.#target = url;
      }),
    );
    session.on(
      'Page.frameStoppedLoading',
      ofMain(() => (this.#isLoaded = true)), // the only event after window.stop()
    );
    session.on('Page.frameNavigated', ({ frame }) => {
      if (frame.id !== this.#frameId) return;
      this.#target = undefined;
      this.#isParsed = this.#isLoaded = false;
      this.#last = { url: frame.url, unreachableUrl: frame.unreachableUrl };
      this.#count++;
      this.#onNavigated?.();
      this.#onChange?.();
    });
    session.on('Page.domContentEventFired', () => {
      this.#isParsed = true;
      this.#onChange?.();
    });
    session.on('Page.loadEventFired', () => {
      this.#isLoaded = true;
      this.#onChange?.();
    });
    await session.send('Page.enable');
  }
}
