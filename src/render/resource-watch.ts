import type { HTTPRequest, Protocol } from 'puppeteer';
import type { FailedResource } from '../domain/job.ts';
import { shownUrl } from '../domain/shown-url.ts';

/** More than a document may load; only addresses such as `data:` count for nothing there. */
const MAX_FAILURES = 10_000;

/** What a new page asks for. It is over before the first document comes, but may be told of only then. */
export const OWN_URL = 'data:,pdfprompt';

/** Of requests: whose answers are seen. Frames are documents. */
const SEEN = new Set(['document', 'stylesheet', 'image', 'font']);

export const isOfMainFrame = (request: HTTPRequest) => request.frame()?.parentFrame() === null;

/** What one document loads. The main document has errors of its own; what the page aborted itself is none. */
export class ResourceWatch {
  touchedOrigin = false;
  count = 0;
  readonly failures: FailedResource[] = [];
  readonly #failuresById = new Map<string, FailedResource>();
  /** called at each request with how many there were */
  onCount: ((count: number) => void) | undefined;
  /** frames and workers so far */
  parts = 0;
  /** called at each frame and worker with how many there were */
  onPart: ((parts: number) => void) | undefined;
  /** whether the request's headers go to an address; undefined if it has none */
  headersGoTo: ((url: string) => boolean) | undefined;
  readonly #underWay = new Set<HTTPRequest>();
  readonly #over = new WeakSet<HTTPRequest>();
  #onEnd: (() => void) | undefined;
  #onChange: (() => void) | undefined;

  get touchedNetwork(): boolean {
    return this.count > 0;
  }

  started(request: HTTPRequest): void {
    if (/^(?:data|blob|about):/i.test(request.url())) return;
    if (request.isNavigationRequest()) this.touchedOrigin = true;
    if (!this.#over.has(request)) this.#underWay.add(request);
    this.count++;
    this.onCount?.(this.count);
    this.#onChange?.();
  }

  ended(request: HTTPRequest): void {
    this.#over.add(request);
    this.#underWay.delete(request);
    this.#onEnd?.();
    this.#onChange?.();
  }

  /** What is under way and will be seen on the paper. */
  loading(): HTTPRequest[] {
    return [...this.#underWay].filter(
      (request) => SEEN.has(request.resourceType()) && !(request.isNavigationRequest() && isOfMainFrame(request)),
    );
  }

  /** Resolves when all of these are over. */
  ends(requests: HTTPRequest[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEnd = () => {
      if (requests.every((request) => this.#over.has(request))) resolve();
    };
    this.#onEnd();
    return promise;
  }

  /**
   * Resolves when for so many milliseconds no more than so many requests have been under way. Puppeteer's own count
   * takes a request of which the end is told before the beginning, as happens with very short ones, for one that
   * never ends.
   */
  quiet(requests: number, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    this.#onChange = () => {
      if (this.#underWay.size > requests) {
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

  /** A status, and that it may be for want of the headers, if it may. */
  describeStatus(url: string, status: number): string {
    const isWithout = (status === 401 || status === 403) && this.headersGoTo?.(url) === false;
    return isWithout ? `${status} without setExtraHTTPHeaders, which extraHTTPHeadersTo can send there` : `${status}`;
  }

  /** @param requestId by which more may be told of it */
  failed(url: string, reason: string, requestId?: string): void {
    if (reason === 'net::ERR_ABORTED' || url === OWN_URL || this.failures.length >= MAX_FAILURES) return;
    const failure = { url: shownUrl(url).slice(0, 500), reason: reason.replace('net::', '') };
    this.failures.push(failure);
    if (requestId !== undefined) this.#failuresById.set(requestId, failure);
  }

  /** The same failure in the browser's own words, which say more. */
  explain({ requestId, corsErrorStatus }: Protocol.Network.LoadingFailedEvent): void {
    const failure = this.#failuresById.get(requestId);
    if (failure && corsErrorStatus) failure.reason = corsReason(corsErrorStatus);
  }
}

/** Fonts and modules are loaded from another origin only if its server allows it. */
function corsReason({ corsError, failedParameter }: Protocol.Network.CorsErrorStatus): string {
  if (corsError === 'MissingAllowOriginHeader') return 'cors: the server did not send Access-Control-Allow-Origin';
  const sent = failedParameter.slice(0, 100);
  return corsError === 'AllowOriginMismatch'
    ? `cors: the server sent Access-Control-Allow-Origin: ${sent}, which is another origin`
    : `cors: ${corsError} ${sent}`.trim();
}
