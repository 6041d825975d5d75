import type { CDPSession, HTTPRequest, HTTPResponse, TargetType } from 'puppeteer';
import type { PrintSettings } from '../domain/pdf-request.ts';
import type { EgressChannel } from '../egress/channel.ts';
import type { ServedOrigin } from '../egress/served-origin.ts';
import { Deadline } from '../kernel/deadline.ts';
import { processTree, processType } from '../memory/processes.ts';
import { type BrowserWatch, type RendererEnd, RendererGone } from './browser-watch.ts';
import type { Chromium } from './chromium.ts';
import { Navigation } from './navigation.ts';
import { onPageMessages } from './page-messages.ts';
import { sessionOfPuppeteer } from './puppeteer-session.ts';
import { isOfMainFrame, ResourceWatch } from './resource-watch.ts';
import { addPid, KEEP_OPEN, KEEP_OPEN_THERE, openTab, type Tab } from './tab.ts';
import { unreachableReason } from './unreachable.ts';

/** A page that takes longer to wipe is not reused. */
const WIPE_TIMEOUT_MS = 2_000;

/** As much as a page takes itself. */
const MAX_KEPT_BYTES = 20_000_000;

/** Lays out the empty document, and returns to its top. Answered after all that the last document still did. */
const EMPTY = 'document.documentElement?.offsetHeight; scrollTo(0, 0)';

/** What a document can have at an origin that is no secure context, beside cookies. */
const OWN_STORAGE = 'local_storage,indexeddb,file_systems';

/**
 * What a document may have changed in its page, and what {@link WarmPage.wipe} does about it:
 * - `document`: it is still there, laid out and animated: an empty one takes its place
 * - `frames`: it was drawn, and may be animated for as long as it is there: its page is no longer drawn
 * - `scripts`: a script may have run: the next document gets a new realm
 * - `network`: something was loaded from outside, or there were cookies: they and the cache are cleared
 * - `storage`: it had an origin of its own: its cookies and what it stored there are removed
 * - `locale`: language and time zone are reset
 * - `policy`: the document's Content-Security-Policy did not count: the next one's does
 * - `origin`: another origin with its storage was entered, or a window opened: the whole context is replaced
 */
export type Trace = 'document' | 'frames' | 'scripts' | 'network' | 'storage' | 'locale' | 'policy' | 'origin';

/** Puppeteer itself is loaded while a browser starts. */
const SHARED_WORKER = 'shared_worker' satisfies `${TargetType.SHARED_WORKER}` as TargetType.SHARED_WORKER;

/** What media queries find for these features. */
type MediaFeatures = NonNullable<PrintSettings['emulateMediaFeatures']>;
export const NO_FEATURES: MediaFeatures = [];

/** The media type of the layout. `browser` is Chromium's default: screen, and print while it prints. */
export type Media = 'browser' | 'screen' | 'print';

/** A page in its own browser context, used for one document after the other, of one tenant. */
export class WarmPage {
  readonly #chromium: Chromium;
  readonly #browserWatch: BrowserWatch | undefined;
  /** The page's only network access, open while a document is rendered; undefined where there is no jail. */
  readonly channel: EgressChannel | undefined;
  #tab: Tab;
  #navigation: Navigation;
  #media: Media = 'browser';
  #features = NO_FEATURES;
  #isDrawn = true;
  /** of files that it may keep for later documents */
  #keptBytes = 0;
  readonly #traces = new Set<Trace>();
  #watch = new ResourceWatch();
  #isReady = true;
  #ready = Promise.resolve(true);
  #closing: Promise<void> | undefined;
  #stopWatching: (() => void) | undefined;
  #window: Promise<{ windowId: number }> | undefined;
  /** prepared for documents at origins of their own */
  #expectant: Promise<unknown> | undefined;
  readonly #ended = new AbortController();

  private constructor(chromium: Chromium, tab: Tab, channel?: EgressChannel, watch?: BrowserWatch) {
    this.#chromium = chromium;
    this.#tab = tab;
    this.channel = channel;
    this.#browserWatch = watch;
    this.#navigation = new Navigation(tab);
    this.#listen();
  }

  /**
   * Costs about 100 ms of CPU, since a renderer process starts.
   * @param watch of the browser; without it the end of the renderer goes unnoticed
   */
  static async open(chromium: Chromium, watch?: BrowserWatch): Promise<WarmPage> {
    const channel = await chromium.gateway?.open();
    try {
      const tab = await openTab(chromium.browser, channel?.proxyServer);
      return new WarmPage(chromium, tab, channel, watch);
    } catch (error) {
      if (channel) chromium.gateway?.close(channel);
      throw error;
    }
  }

  get tab(): Tab {
    return this.#tab;
  }

  /** The navigations that its documents start. */
  get navigation(): Navigation {
    return this.#navigation;
  }

  /** Aborts when the page's renderer has ended; its reason is a {@link RendererGone}. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Records that its renderer has ended or is about to. The first call sets the reason. */
  end(how: RendererEnd): void {
    this.#isReady = false;
    this.#ready = Promise.resolve(false);
    if (!this.#ended.signal.aborted) this.#ended.abort(new RendererGone(how));
  }

  /** Whether the page is wiped and its last document has not loaded anything since. */
  get isReady(): boolean {
    return this.#isReady && !this.#watch.touchedNetwork;
  }

  /** Settles when the page is wiped; false if that failed. */
  get ready(): Promise<boolean> {
    return this.#ready;
  }

  /** What the current document loads. */
  get watch(): ResourceWatch {
    return this.#watch;
  }

  /** Must be called before the change that leaves the trace. */
  mark(trace: Trace): void {
    this.#traces.add(trace);
  }

  /** Whether the current document can do anything by itself, such as navigate. */
  get mayRunScripts(): boolean {
    return this.#traces.has('scripts');
  }

  /** @param features undefined: as they are */
  async setMedia(media: Media, features = this.#features): Promise<void> {
    if (media === this.#media && features === this.#features) return;
    this.#media = media;
    this.#features = features;
    await this.#tab.session.send('Emulation.setEmulatedMedia', { media: media === 'browser' ? '' : media, features });
  }

  /**
   * A page that is not drawn has no animation frames: for its documents it is in a window that is minimized. That saves
   * the CPU for what nobody sees: a fifth for a tiny document, a tenth for an invoice.
   */
  async draw(isDrawn: boolean): Promise<void> {
    if (!this.#chromium.canMinimize) return;
    if (isDrawn) this.mark('frames');
    if (isDrawn === this.#isDrawn) return;
    const { session } = this.#tab;
    this.#window ??= session.send('Browser.getWindowForTarget');
    const { windowId } = await this.#window;
    await session.send('Browser.setWindowBounds', {
      windowId,
      bounds: { windowState: isDrawn ? 'normal' : 'minimized' },
    });
    this.#isDrawn = isDrawn;
  }

  /**
   * Starts removing all traces of the last document; {@link ready} settles when that is done.
   * @param isShared whether another tenant may be next: then not even a static document stays until the next is there
   */
  wipe({ isShared = false } = {}): void {
    const { touchedNetwork, touchedOrigin, ownOrigin } = this.#watch;
    if (touchedNetwork) this.#traces.add('network');
    if (touchedOrigin) this.#traces.add('origin');
    if (isShared) this.#traces.add('document');
    const kept = ownOrigin?.keptBytes ?? 0;
    this.#keptBytes += kept;
    // With that the cache is cleared. Not for the files of one document, however large: the next one may have the same.
    if (kept > 0 && this.#keptBytes > Math.max(MAX_KEPT_BYTES, kept)) this.#traces.add('network');
    this.#watch = new ResourceWatch();
    if (this.#traces.size === 0) return;
    this.#isReady = false;
    this.#ready = new Deadline(WIPE_TIMEOUT_MS)
      .race('wiping a page', this.#wipe(ownOrigin?.isBase ? undefined : ownOrigin?.origin))
      .then(
        () => (this.#isReady = true),
        () => false,
      );
  }

  /** It may outlive its document, and would run beside the next one. */
  get #hasSharedWorker(): boolean {
    return this.#tab.context.targets().some((target) => target.type() === SHARED_WORKER);
  }

  async #wipe(ownOrigin: string | undefined): Promise<void> {
    const { page, session } = this.#tab;
    const traces = new Set(this.#traces);
    this.#traces.clear();
    if (traces.has('origin') || this.#hasSharedWorker) return this.#replaceTab();
    const isElsewhere = traces.has('scripts') || traces.has('network') || traces.has('storage');
    if (isElsewhere) {
      await page.goto('about:blank', { timeout: 0 }); // ends everything that is still running
      // The document may have gone on after wipe() checked it.
      if (this.#watch.touchedOrigin || this.#traces.has('origin')) {
        this.#traces.clear();
        return this.#replaceTab();
      }
      // A window's name and history survive a navigation.
      await session.send('Page.resetNavigationHistory');
      await session.send('Runtime.evaluate', { expression: `window.name = ""; ${KEEP_OPEN}` });
    }
    if (traces.has('frames') && !isElsewhere) await this.draw(false);
    if (traces.has('document')) {
      const { frameId } = this.#tab;
      await session.send('Page.setDocumentContent', { frameId, html: '' });
      await session.send('Runtime.evaluate', { expression: EMPTY });
    }
    if (traces.has('locale')) await Promise.all([page.emulateLocale(), page.emulateTimezone()]);
    if (traces.has('policy')) await page.setBypassCSP(false);
    const hasNetwork = traces.has('network') || this.#watch.touchedNetwork;
    if (hasNetwork) this.#keptBytes = 0;
    await Promise.all([
      (hasNetwork || ownOrigin !== undefined) && session.send('Network.clearBrowserCookies'),
      hasNetwork && session.send('Network.clearBrowserCache'),
      ownOrigin !== undefined &&
        session.send('Storage.clearDataForOrigin', { origin: ownOrigin, storageTypes: OWN_STORAGE }),
    ]);
    this.#watch = new ResourceWatch();
  }

  async #replaceTab(): Promise<void> {
    const { page, context } = this.#tab;
    page.removeAllListeners();
    this.#stopWatching?.();
    const [tab] = await Promise.all([openTab(this.#chromium.browser, this.channel?.proxyServer), context.close()]);
    if (this.#closing) {
      await tab.context.close(); // this page was closed meanwhile
      return;
    }
    this.#tab = tab;
    this.#navigation = new Navigation(tab);
    this.#expectant = undefined;
    this.#media = 'browser';
    this.#features = NO_FEATURES;
    this.#isDrawn = true;
    this.#keptBytes = 0;
    this.#window = undefined;
    this.#watch = new ResourceWatch();
    this.#listen();
  }

  /** Prepares the page for a document at an origin of its own. Must be called before it goes there. */
  async expect(origin: ServedOrigin): Promise<void> {
    this.#watch.ownOrigin = origin;
    if (origin.isBase) return; // it stays where it is, and stores nothing
    this.mark('storage');
    this.#expectant ??= this.#tab.session.send('Page.addScriptToEvaluateOnNewDocument', { source: KEEP_OPEN_THERE });
    await this.#expectant;
  }

  /**
   * Closes the page after killing its processes. To close a page in which hundreds of workers run would block the whole
   * browser for seconds.
   */
  kill(): Promise<void> {
    const renderers = processTree(this.#chromium.pid).filter((pid) => processType(pid) === 'renderer');
    for (const pid of renderers.filter((renderer) => this.#tab.pids.has(renderer))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has ended meanwhile
      }
    }
    return this.close();
  }

  /** Ends the page and everything in it, within some 10 ms. */
  close(): Promise<void> {
    this.#isReady = false;
    this.#stopWatching?.();
    if (this.channel) this.#chromium.gateway?.close(this.channel);
    this.#closing ??= this.#tab.context.close();
    return this.#closing;
  }

  #listen(): void {
    const { page, frameId, pids } = this.#tab;
    const isOfPage = (request: HTTPRequest) => request.isNavigationRequest() && isOfMainFrame(request);
    this.#stopWatching = this.#browserWatch?.onRendererEnd(frameId, (how) => this.end(how));
    page.on('dialog', (dialog) => {
      // The question whether to leave the page gets a yes, every other dialog a no.
      const answer = dialog.type() === 'beforeunload' ? dialog.accept() : dialog.dismiss();
      answer.catch(() => undefined);
    });
    onPageMessages(page, () => this.#watch.messages);
    page.on('popup', (popup) => {
      this.mark('origin');
      void popup?.close().catch(() => undefined);
    });
    page.on('frameattached', () => this.#watch.addedPart());
    page.on('workercreated', () => this.#watch.addedPart());
    // From the start: on a busy machine Chromium reports the status of a request before the request.
    const listen = (session: CDPSession) => {
      session.on('Network.loadingFailed', (failure) => this.#watch.failures.explain(failure));
      session.on('Network.responseReceivedExtraInfo', (answer) => this.#watch.failures.sawStatus(answer));
      session.on('sessionattached', listen); // one per process of the page
    };
    const own = sessionOfPuppeteer(page);
    listen(own);
    // Of the session that has these events anyway: in each other one a request costs them again, with its whole URL.
    own.on('Network.requestWillBeSent', ({ requestId }) => addPid(pids, requestId));
    page.on('request', (request) => this.#watch.started(request));
    page.on('requestfinished', (request) => this.#watch.ended(request));
    const failed = (url: string, reason: string, requestId?: string) => {
      const unreachable = this.channel?.unreachable(url);
      if (unreachable) this.#watch.failed(url, unreachableReason(unreachable));
      else this.#watch.failed(url, reason, requestId);
    };
    page.on('requestfailed', (request) => {
      this.#watch.ended(request);
      const reason = request.failure()?.errorText ?? 'failed';
      if (isOfPage(request) && reason === 'net::ERR_ABORTED') this.#navigation.aborted(request);
      const isRejected = this.#watch.rejects?.(request) === true;
      if (!request.isNavigationRequest() && !isRejected) failed(request.url(), reason, idOf(request));
    });
    page.on('response', (response) => {
      if (isOfPage(response.request())) this.#navigation.answered(response);
      const isResource = !response.request().isNavigationRequest() || this.#watch.isOwnFrame(response.request());
      if (!isResource || isRedirect(response)) return;
      const [url, status] = [response.url(), response.status()];
      // The proxy answers for a server that it does not reach.
      const unreachable = status >= 400 ? this.channel?.unreachable(url) : undefined;
      if (unreachable) this.#watch.failed(url, unreachableReason(unreachable));
      else this.#watch.answered(url, status);
    });
  }
}

const isRedirect = (response: HTTPResponse) =>
  [301, 302, 303, 307, 308].includes(response.status()) && response.headers().location !== undefined;

/** The protocol's id of a request, which puppeteer has but does not declare. */
const idOf = (request: HTTPRequest) => (request as HTTPRequest & { id?: string }).id;
