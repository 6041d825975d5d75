import type { HTTPRequest } from 'puppeteer';
import { shownUrl } from '../domain/shown-url.ts';
import type { ServedOrigin } from '../egress/served-origin.ts';
import type { AskedFonts } from './fonts/asked-families.ts';
import { PageMessages } from './page-messages.ts';
import { ResourceFailures } from './resource-failures.ts';

/** Requested by a new page itself. Its events may arrive only after the first document begins. */
export const OWN_URL = 'data:,pdfprompt';

/** Resource types that are visible in print. Frames are documents. */
const VISIBLE = new Set(['document', 'stylesheet', 'image', 'font']);

export const isOfMainFrame = (request: HTTPRequest) => request.frame()?.parentFrame() === null;

/** The resources of one document, and its messages. Requests that the page aborts itself do not count as failures. */
export class ResourceWatch {
  /** of the document, if it has one */
  ownOrigin: ServedOrigin | undefined;
  /** known when it is ready to be printed */
  askedFonts: AskedFonts | undefined;
  #isEntered = false;
  touchedOrigin = false;
  count = 0;
  #own = 0;
  readonly failures = new ResourceFailures({
    shown: (url) => this.shown(url),
    hint: (url, status) => this.headersHint(url, status),
  });
  /** of its scripts, and of the browser about it */
  readonly messages = new PageMessages((url) => this.shown(url));
  /** called at each request with the number so far */
  onCount: ((count: number) => void) | undefined;
  /** whether a font did not arrive that was taken out of the document */
  hasLostFont = false;
  /** frames and workers so far */
  parts = 0;
  /** called at each frame and worker with the number so far */
  onPart: ((parts: number) => void) | undefined;
  /** whether setExtraHTTPHeaders go to a URL; undefined if there are none */
  headersGoTo: ((url: string) => boolean) | undefined;
  /** whether settings of the request reject a request; undefined if they reject none */
  rejects: ((request: HTTPRequest) => boolean) | undefined;
  /** ids of requests that were rejected, which are no failures */
  readonly rejected = new Set<string>();
  readonly #active = new Set<HTTPRequest>();
  readonly #done = new WeakSet<HTTPRequest>();
  #onChange: (() => void) | undefined;

  /** Whether it asked for anything but its own files, which leave nothing behind. */
  get touchedNetwork(): boolean {
    return this.count > (this.ownOrigin?.isBase ? this.#own : 0);
  }

  started(request: HTTPRequest): void {
    const url = request.url();
    if (/^(?:data|blob|about):/i.test(url)) return;
    if (request.isNavigationRequest() && !this.#isOwn(url)) this.touchedOrigin = true;
    if (!this.#done.has(request)) this.#active.add(request);
    if (!this.#isEntered && url === this.ownOrigin?.url) {
      this.#isEntered = true; // the document itself is no resource
      return;
    }
    if (this.ownOrigin?.isAlone && this.#isOwn(url)) return this.#onChange?.(); // without an origin it would be no request
    if (this.rejects?.(request)) return this.#onChange?.();
    this.count++;
    if (this.#isOwn(url)) this.#own++;
    this.onCount?.(this.count);
    this.#onChange?.();
  }

  ended(request: HTTPRequest): void {
    this.#done.add(request);
    this.#active.delete(request);
    this.#onChange?.();
  }

  /** Active requests of resources that are visible in print. */
  loading(): HTTPRequest[] {
    return [...this.#active].filter(
      (request) => VISIBLE.has(request.resourceType()) && !(request.isNavigationRequest() && isOfMainFrame(request)),
    );
  }

  /** Active requests of fonts that were taken out of the document. */
  loadingEmbedded(): HTTPRequest[] {
    return [...this.#active].filter((request) => this.#isEmbedded(request.url()));
  }

  /** Resolves when all these requests are done. */
  ends(requests: HTTPRequest[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onChange = () => {
      if (requests.every((request) => this.#done.has(request))) resolve();
    };
    this.#onChange();
    return promise;
  }

  /**
   * Resolves after so many milliseconds with at most so many active requests. Puppeteer's own function for that waits
   * forever for a very short request whose end is reported before its start.
   */
  quiet(requests: number, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    this.#onChange = () => {
      if (this.#active.size > requests) {
        clearTimeout(timer);
        timer = undefined;
      } else timer ??= setTimeout(resolve, ms).unref();
    };
    this.#onChange();
    return promise;
  }

  addedPart(): void {
    this.onPart?.(++this.parts);
  }

  #isOwn(url: string): boolean {
    return this.ownOrigin?.includes(url) === true;
  }

  /** Whether a frame is to show a file of the document. */
  isOwnFrame(request: HTTPRequest): boolean {
    return request.isNavigationRequest() && !isOfMainFrame(request) && this.#isOwn(request.url());
  }

  /** A URL for messages. One of the document's own origin is shown as relative, since the origin means nothing outside. */
  shown(url: string): string {
    return shownUrl(this.ownOrigin && this.#isOwn(url) ? url.slice(this.ownOrigin.origin.length + 1) : url);
  }

  /** Said of a status that may be due to missing headers; otherwise empty. */
  headersHint(url: string, status: number): string {
    const isWithout = (status === 401 || status === 403) && this.headersGoTo?.(url) === false;
    return isWithout ? ' without setExtraHTTPHeaders, which extraHTTPHeadersTo can send there' : '';
  }

  /** Whether it stands for a part of the document. */
  #isEmbedded(url: string): boolean {
    return this.ownOrigin?.isAlone === true && this.ownOrigin.isBase && this.#isOwn(url);
  }

  /** @param requestId for what else is reported of the request */
  failed(url: string, reason: string, requestId?: string): void {
    if (this.#isEmbedded(url)) this.hasLostFont = true;
    const isRejected = requestId !== undefined && this.rejected.has(requestId);
    if (reason !== 'net::ERR_ABORTED' && !isRejected && this.#mayFail(url))
      this.failures.failed(url, reason, requestId);
  }

  /** Must be called with each answer to a request of a resource. */
  answered(url: string, status: number): void {
    if (status >= 400 && this.#isEmbedded(url)) this.hasLostFont = true;
    if (this.#mayFail(url)) this.failures.answered(url, status, { isOwn: this.#isOwn(url) });
  }

  /** Not those that are alone at their origin: `relativeAddresses` reports them, as without an origin. */
  #mayFail(url: string): boolean {
    return url !== OWN_URL && !(this.ownOrigin?.isAlone && this.#isOwn(url));
  }
}
