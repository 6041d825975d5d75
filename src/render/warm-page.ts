import type { Browser, BrowserContext, CDPSession, HTTPRequest, Page } from 'puppeteer';
import type { EgressChannel } from '../egress/channel.ts';
import { Deadline } from '../kernel/deadline.ts';
import { processTree, processType } from '../memory/processes.ts';
import { type BrowserWatch, type RendererEnd, RendererGone } from './browser-watch.ts';
import type { Chromium } from './chromium.ts';
import { Navigation } from './navigation.ts';
import { isOfMainFrame, OWN_URL, ResourceWatch } from './resource-watch.ts';
import { unreachableReason } from './unreachable.ts';

/** Puppeteer's own default. */
const DEFAULT_VIEWPORT = { width: 800, height: 600 };

/** Milliseconds for a page to become as new; then another is taken. */
const WIPE_TIMEOUT_MS = 2_000;
/** Milliseconds for a page to open: where its renderer dies or its browser hangs meanwhile, nobody else says so. */
const OPEN_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 3_000;

/**
 * What a document may have left in its page, and so what has to be done before the next one:
 * - `scripts`: a script may have run: the next document gets a new realm
 * - `network`: something was loaded from outside, or there were cookies: they and the cache are cleared
 * - `locale`: language and time zone are set back
 * - `origin`: a real origin with its storage was entered, or a window opened: the whole context is replaced
 */
export type Trace = 'scripts' | 'network' | 'locale' | 'origin';

/** What a page is laid out for; a browser's own choice is the screen, and print while it prints. */
export type Media = 'browser' | 'screen' | 'print';

const BROKEN = Promise.resolve(false);

/** A page in a browser context of its own, used for one document after the other, of one tenant. */
export class WarmPage {
  readonly #chromium: Chromium;
  readonly #browserWatch: BrowserWatch | undefined;
  /** Its only way out, shut unless a document is rendered; none where there is no jail. */
  readonly channel: EgressChannel | undefined;
  #context: BrowserContext;
  #page: Page;
  #session: CDPSession;
  #frameId: string;
  #navigation: Navigation;
  #media: Media = 'browser';
  readonly #traces = new Set<Trace>();
  #watch: ResourceWatch;
  #isReady = true;
  #ready: Promise<boolean> = Promise.resolve(true);
  #closing: Promise<void> | undefined;
  #pids: Set<number>;
  #stopWatching: (() => void) | undefined;
  readonly #ended = new AbortController();

  private constructor(
    { chromium, watch, channel }: { chromium: Chromium; watch?: BrowserWatch | undefined; channel?: EgressChannel },
    opened: Opened,
  ) {
    this.#chromium = chromium;
    this.#browserWatch = watch;
    this.channel = channel;
    ({ context: this.#context, page: this.#page, session: this.#session, frameId: this.#frameId } = opened);
    this.#navigation = new Navigation(this.#session, this.#frameId);
    this.#pids = opened.pids;
    this.#watch = new ResourceWatch();
    this.#listen();
  }

  /**
   * Costs about 100 ms of CPU: a renderer process starts.
   * @param watch of the browser; without it nobody hears of the renderer's end
   */
  static async open(chromium: Chromium, watch?: BrowserWatch): Promise<WarmPage> {
    const channel = await chromium.gateway?.open();
    try {
      const opened = await openPage(chromium.browser, channel);
      return new WarmPage({ chromium, watch, ...(channel && { channel }) }, opened);
    } catch (error) {
      if (channel) chromium.gateway?.close(channel);
      throw error;
    }
  }

  get page(): Page {
    return this.#page;
  }

  get context(): BrowserContext {
    return this.#context;
  }

  /** For commands that puppeteer has no words for. */
  get session(): CDPSession {
    return this.#session;
  }

  /** Of the main frame. */
  get frameId(): string {
    return this.#frameId;
  }

  /** Where the documents of this page go by themselves. */
  get navigation(): Navigation {
    return this.#navigation;
  }

  /** Aborts when the page's renderer is gone; its reason is a {@link RendererGone}. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Of the renderer processes that this page is or was in, as far as is known. */
  get pids(): ReadonlySet<number> {
    return this.#pids;
  }

  /** Its renderer is gone, or is about to be: whoever knows first says how. */
  end(how: RendererEnd): void {
    this.#isReady = false;
    this.#ready = BROKEN;
    if (!this.#ended.signal.aborted) this.#ended.abort(new RendererGone(how));
  }

  /** Nothing of the last document is left, and nothing of it has come after. */
  get isReady(): boolean {
    return this.#isReady && !this.#watch.touchedNetwork;
  }

  /** Settles when nothing of the last document is left; false if that could not be done. */
  get ready(): Promise<boolean> {
    return this.#ready;
  }

  /** What the document of now has loaded. */
  get watch(): ResourceWatch {
    return this.#watch;
  }

  /** To be said before what leaves it is done. */
  mark(trace: Trace): void {
    this.#traces.add(trace);
  }

  /** Whether the document of now may do anything by itself, such as going elsewhere. */
  get isLively(): boolean {
    return this.#traces.has('scripts');
  }

  /** Lays out what is there, and all that comes, for this. */
  async setMedia(media: Media): Promise<void> {
    if (media === this.#media) return;
    this.#media = media;
    await this.#page.emulateMediaType(media === 'browser' ? undefined : media);
  }

  /** Makes the page as new, beside whatever comes next. */
  wipe(): void {
    const { touchedNetwork, touchedOrigin } = this.#watch;
    if (touchedNetwork) this.#traces.add('network');
    if (touchedOrigin) this.#traces.add('origin');
    this.#watch = new ResourceWatch();
    if (this.#traces.size === 0) return;
    this.#isReady = false;
    this.#ready = new Deadline(WIPE_TIMEOUT_MS).race('wiping a page', this.#wipe()).then(
      () => (this.#isReady = true),
      () => false,
    );
  }

  async #wipe(): Promise<void> {
    const traces = new Set(this.#traces);
    this.#traces.clear();
    if (traces.has('origin')) {
      await this.#replaceContext();
      return;
    }
    if (traces.has('scripts') || traces.has('network')) {
      await this.#page.goto('about:blank', { timeout: 0 }); // ends all that was under way
      // Since the look at it in wipe() the document may have gone on.
      if (this.#watch.touchedOrigin || this.#traces.has('origin')) {
        this.#traces.clear();
        await this.#replaceContext();
        return;
      }
      // A window's name and its history outlast a navigation.
      await this.#session.send('Page.resetNavigationHistory');
      await this.#session.send('Runtime.evaluate', { expression: `window.name = ""; ${KEEP_OPEN}` });
    }
    if (traces.has('locale')) await Promise.all([this.#page.emulateLocale(), this.#page.emulateTimezone()]);
    if (traces.has('network') || this.#watch.touchedNetwork)
      await Promise.all([
        this.#session.send('Storage.clearCookies', { browserContextId: this.#context.id as string }),
        this.#session.send('Network.clearBrowserCache'),
      ]);
    this.#watch = new ResourceWatch();
  }

  async #replaceContext(): Promise<void> {
    const old = this.#context;
    this.#page.removeAllListeners();
    this.#stopWatching?.();
    const [opened] = await Promise.all([openPage(this.#chromium.browser, this.channel), old.close()]);
    if (this.#closing) {
      await opened.context.close(); // nobody waits for it any more
      return;
    }
    ({ context: this.#context, page: this.#page, session: this.#session, frameId: this.#frameId } = opened);
    this.#navigation = new Navigation(this.#session, this.#frameId);
    this.#media = 'browser';
    this.#pids = opened.pids;
    this.#watch = new ResourceWatch();
    this.#listen();
  }

  /**
   * From now on the processes that the page moves to are known too: to be called before it goes to another origin.
   * Each of its requests is one more event.
   */
  async followProcesses(): Promise<void> {
    this.#session.on('Network.requestWillBeSent', ({ requestId }) => addPid(this.#pids, requestId));
    await this.#session.send('Network.enable');
  }

  /**
   * Ends its processes first, and so whatever runs there: to close a page in which hundreds of workers spin would
   * hold up its whole browser for seconds.
   */
  kill(): Promise<void> {
    const renderers = processTree(this.#chromium.pid).filter((pid) => processType(pid) === 'renderer');
    for (const pid of renderers.filter((renderer) => this.#pids.has(renderer))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has ended meanwhile
      }
    }
    return this.close();
  }

  /** Ends the page and all that runs in it, within some 10 ms. */
  close(): Promise<void> {
    this.#isReady = false;
    this.#stopWatching?.();
    if (this.channel) this.#chromium.gateway?.close(this.channel);
    this.#closing ??= this.#context.close();
    return this.#closing;
  }

  #listen(): void {
    const page = this.#page;
    const isOfPage = (request: HTTPRequest) => request.isNavigationRequest() && isOfMainFrame(request);
    // The main frame's id is the page's as well.
    this.#stopWatching = this.#browserWatch?.onRendererEnd(this.#frameId, (how) => this.end(how));
    page.on('dialog', (dialog) => {
      // Whoever leaves is let go; every other question is answered with no.
      const answer = dialog.type() === 'beforeunload' ? dialog.accept() : dialog.dismiss();
      answer.catch(() => undefined);
    });
    page.on('popup', (popup) => {
      this.mark('origin');
      void popup?.close().catch(() => undefined);
    });
    page.on('frameattached', () => this.#watch.addedPart());
    page.on('workercreated', () => this.#watch.addedPart());
    const heard = new WeakSet<CDPSession>();
    page.on('request', (request) => {
      this.#watch.started(request);
      if (heard.has(request.client)) return; // puppeteer's own session, one for each process that the page is in
      heard.add(request.client);
      request.client.on('Network.loadingFailed', (failure) => this.#watch.explain(failure));
    });
    page.on('requestfinished', (request) => this.#watch.ended(request));
    const failed = (url: string, reason: string, requestId?: string) => {
      const unreachable = this.channel?.unreachable(url);
      if (unreachable) this.#watch.failed(url, unreachableReason(unreachable));
      else this.#watch.failed(url, reason, requestId);
    };
    page.on('requestfailed', (request) => {
      this.#watch.ended(request);
      if (isOfPage(request) && request.failure()?.errorText === 'net::ERR_ABORTED')
        this.#navigation.cameToNothing(request);
      if (!request.isNavigationRequest())
        failed(request.url(), request.failure()?.errorText ?? 'failed', idOf(request));
    });
    page.on('response', (response) => {
      if (isOfPage(response.request())) this.#navigation.answered(response);
      if (response.status() >= 400 && !response.request().isNavigationRequest())
        failed(response.url(), `status ${this.#watch.describeStatus(response.url(), response.status())}`);
    });
  }
}

interface Opened {
  context: BrowserContext;
  page: Page;
  session: CDPSession;
  frameId: string;
  pids: Set<number>;
}

async function openPage(browser: Browser, channel: EgressChannel | undefined): Promise<Opened> {
  const opening = browser.createBrowserContext({
    downloadBehavior: { policy: 'deny' },
    ...(channel && { proxyServer: channel.proxyServer, proxyBypassList: ['<-loopback>'] }),
  });
  const open = async (): Promise<Opened> => {
    const context = await opening;
    const page = await context.newPage();
    const [session] = await Promise.all([page.createCDPSession(), page.setViewport(DEFAULT_VIEWPORT)]);
    const [{ frameTree }, pids] = await Promise.all([session.send('Page.getFrameTree'), processOf(session)]);
    return { context, page, session, frameId: frameTree.frame.id, pids };
  };
  try {
    return await new Deadline(OPEN_TIMEOUT_MS).race('opening a page', open());
  } catch (error) {
    // It may come to be later all the same; if the browser hangs, it goes as a whole, and its contexts with it.
    const closing = opening.then((context) => context.close());
    await new Deadline(CLOSE_TIMEOUT_MS).race('closing a page', closing).catch(() => undefined);
    throw new Error('a page did not open', { cause: error }); // whatever it was, it was no document's fault
  }
}

/**
 * Nobody may close a window that has been somewhere before, but whoever opened it: so `window.close()` in a document,
 * with which many a print page ends, does nothing. No script can make a history shorter. The way back leads here.
 */
const KEEP_OPEN = 'history.pushState(null, "")';

/**
 * The process of a new page. The protocol has no question for it, but a renderer puts its process id in front of the
 * ids of its requests ("1234.5"), the one that the browser knows it by, in whatever namespace the renderer is itself.
 */
async function processOf(session: CDPSession): Promise<Set<number>> {
  const pids = new Set<number>();
  const listen = ({ requestId }: { requestId: string }) => addPid(pids, requestId);
  session.on('Network.requestWillBeSent', listen);
  await Promise.all([
    session.send('Network.enable'),
    session.send('Runtime.evaluate', {
      expression: `${KEEP_OPEN}; fetch('${OWN_URL}').then(() => true)`,
      awaitPromise: true,
    }),
  ]);
  session.off('Network.requestWillBeSent', listen);
  await session.send('Network.disable');
  return pids;
}

/** The protocol's; puppeteer, which is pinned, keeps it out of its types. */
const idOf = (request: HTTPRequest) => (request as HTTPRequest & { id?: string }).id;

function addPid(pids: Set<number>, requestId: string): void {
  const pid = /^(\d+)\.\d+$/.exec(requestId)?.[1]; // those of navigations are the browser's, and other
  if (pid !== undefined) pids.add(Number(pid));
}
