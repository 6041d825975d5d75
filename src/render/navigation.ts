import type { CDPSession, HTTPRequest, HTTPResponse, Protocol } from 'puppeteer';

/** Seconds: a document that is there for no longer before it sends its reader on is none to be read. */
const MAX_REFRESH_DELAY_S = 1;

/** A document that a page came to. */
interface Arrival {
  url: string;
  /** what could not be loaded: the browser shows a page of its own instead */
  unreachableUrl?: string | undefined;
}

/**
 * Where a document takes its page by itself: a refresh, `location`, a form, its history. Heard of in the order in
 * which it happens, and before the answer to whatever is asked through the same session later.
 */
export class Navigation {
  readonly #session: CDPSession;
  readonly #frameId: string;
  #listening: Promise<void> | undefined;
  #response: HTTPResponse | undefined;
  #last: Arrival | undefined;
  #count = 0;
  #isAnnounced = false;
  /** the address that the page is on its way to */
  #underWay: string | undefined;
  #isParsed = true;
  #isLoaded = true;
  #onChange: (() => void) | undefined;
  #onArrival: (() => void) | undefined;

  /** @param frameId of the main frame; what happens in others is no matter */
  constructor(session: CDPSession, frameId: string) {
    this.#session = session;
    this.#frameId = frameId;
  }

  /** Forgets where the document before, and whoever wiped the page of it, has gone. */
  begin(): void {
    this.#count = 0;
    this.#last = this.#response = this.#underWay = undefined;
    this.#isAnnounced = false;
    this.#isParsed = this.#isLoaded = true;
  }

  /** For a document that may go anywhere. Costs the page a handful of events for each document from then on. */
  listen(): Promise<void> {
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  /** Documents that have come so far, the first one by `url` included. */
  get count(): number {
    return this.#count;
  }

  /** The document that came last, and what was answered to its request; undefined if none has come. */
  get last(): (Arrival & { response: HTTPResponse | undefined }) | undefined {
    if (!this.#last) return undefined;
    // The address of a document is told without its fragment.
    const isOfIt = this.#response?.url().replace(/#.*/s, '') === this.#last.url;
    return { ...this.#last, response: isOfIt ? this.#response : undefined };
  }

  /** Whether the page is on its way to another document, or will be in a moment. */
  get isLeaving(): boolean {
    return this.#isAnnounced || this.#underWay !== undefined;
  }

  /** Resolves when the page is not leaving, and what it came to is loaded, or parsed at least. */
  settled(until: 'load' | 'domcontentloaded'): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onChange = () => {
      const isThere = this.#isLoaded || (until === 'domcontentloaded' && this.#isParsed);
      if (!this.isLeaving && isThere) resolve();
    };
    this.#onChange();
    return promise;
  }

  /** Resolves when the page comes to another document than it has now. */
  moved(): Promise<void> {
    return new Promise((resolve) => (this.#onArrival = resolve));
  }

  /** To be told of what is answered to the main frame's own requests. */
  answered(response: HTTPResponse): void {
    this.#response = response;
  }

  /** To be told of those that come to nothing, and leave the page where it is: a download, an answer without content. */
  cameToNothing(request: HTTPRequest): void {
    const [first = request] = request.redirectChain();
    if (this.#underWay === first.url()) this.#underWay = undefined;
    this.#onChange?.();
  }

  async #listen(): Promise<void> {
    const session = this.#session;
    const ofMain = <T extends { frameId: string }>(listener: (event: T) => void) => {
      return (event: T) => {
        if (event.frameId !== this.#frameId) return;
        listener(event);
        this.#onChange?.();
      };
    };
    session.on(
      'Page.frameScheduledNavigation',
      ofMain(({ delay, url }: Protocol.Page.FrameScheduledNavigationEvent) => {
        // A dashboard that loads itself anew every second is to be printed now and then.
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
        if (!/sameDocument/i.test(navigationType)) this.#underWay = url;
      }),
    );
    session.on(
      'Page.frameStoppedLoading',
      ofMain(() => (this.#isLoaded = true)), // after window.stop() nothing else says so
    );
    session.on('Page.frameNavigated', ({ frame }) => {
      if (frame.id !== this.#frameId) return;
      this.#underWay = undefined;
      this.#isParsed = this.#isLoaded = false;
      this.#last = { url: frame.url, unreachableUrl: frame.unreachableUrl };
      this.#count++;
      this.#onArrival?.();
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
