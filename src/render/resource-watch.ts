import { STATUS_CODES } from 'node:http';
import type { HTTPRequest, Protocol } from 'puppeteer';
import type { ResourceEnd } from '../domain/failing-resource.ts';
import type { FailedResource } from '../domain/job.ts';
import { shownUrl } from '../domain/shown-url.ts';
import type { ServedOrigin } from '../egress/served-origin.ts';
import type { AskedFonts } from './fonts/asked-families.ts';

/** Above the limit for requests; it can be reached with `data:` URLs, which do not count as requests. */
const MAX_FAILURES = 10_000;
/** Characters of a URL that are shown. */
const MAX_URL = 500;

/** Requested by a new page itself. Its events may arrive only after the first document begins. */
export const OWN_URL = 'data:,pdfprompt';

/** Resource types that are visible in print. Frames are documents. */
const VISIBLE = new Set(['document', 'stylesheet', 'image', 'font']);

export const isOfMainFrame = (request: HTTPRequest) => request.frame()?.parentFrame() === null;

/** The resources of one document. Requests that the page aborts itself do not count as failures. */
export class ResourceWatch {
  /** of the document, if it has one */
  ownOrigin: ServedOrigin | undefined;
  /** known when it is ready to be printed */
  askedFonts: AskedFonts | undefined;
  #isEntered = false;
  touchedOrigin = false;
  count = 0;
  #own = 0;
  readonly failures: FailedResource[] = [];
  readonly #failuresById = new Map<string, FailedResource>();
  /** whether a resource that ends like this fails the job */
  failsJob: ((end: ResourceEnd) => boolean) | undefined;
  /** those that do; with a status it says more than the reason */
  readonly #failing: { resource: FailedResource; status: string | undefined }[] = [];
  /** of requests whose failure has not been reported */
  readonly #explanations = new Map<string, string>();
  /** called at each request with the number so far */
  onCount: ((count: number) => void) | undefined;
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

  /** A status, with a hint if it may be due to missing headers. @param text instead of the number */
  describeStatus(url: string, status: number, text = `${status}`): string {
    const isWithout = (status === 401 || status === 403) && this.headersGoTo?.(url) === false;
    return isWithout ? `${text} without setExtraHTTPHeaders, which extraHTTPHeadersTo can send there` : text;
  }

  /** Must be called with each answer to a request of a resource. */
  answered(url: string, status: number): void {
    const text = this.describeStatus(url, status, `${status} ${STATUS_CODES[status] ?? ''}`.trim());
    const resource = { url, reason: `status ${this.describeStatus(url, status)}` };
    if (status >= 400) this.#add(resource, { status: { code: status, text } });
    else if (this.failsJob?.({ url, status })) this.#addFailing({ ...resource, url: this.#shownShort(url) }, text);
  }

  /** @param requestId for a later {@link explain} */
  failed(url: string, reason: string, requestId?: string): void {
    this.#add({ url, reason: reason.replace('net::', '') }, { requestId });
  }

  #add(
    { url, reason }: FailedResource,
    { requestId, status }: { requestId?: string | undefined; status?: { code: number; text: string } },
  ): void {
    if (reason === 'ERR_ABORTED' || url === OWN_URL || this.failures.length >= MAX_FAILURES) return;
    if (requestId !== undefined && this.rejected.has(requestId)) return;
    if (this.ownOrigin?.isAlone && this.#isOwn(url)) return; // reported by `relativeAddresses`, as without an origin
    const explained = requestId === undefined ? undefined : this.#explanations.get(requestId);
    const failure = { url: this.#shownShort(url), reason: explained ?? storable(reason) };
    this.failures.push(failure);
    if (requestId !== undefined) this.#failuresById.set(requestId, failure);
    // A file that the document does not have gets no answer: there is nobody who could give one.
    const answer = this.#isOwn(url) ? undefined : status?.code;
    if (this.failsJob?.({ url, status: answer })) this.#addFailing(failure, status?.text);
  }

  #addFailing(resource: FailedResource, status: string | undefined): void {
    if (this.#failing.length < MAX_FAILURES) this.#failing.push({ resource, status });
  }

  /** What fails the job, such as `https://a.example/b.png - 404 Not Found`. */
  get failing(): string[] {
    return this.#failing.map(({ resource: { url, reason }, status = reason }) => `${url} - ${status}`);
  }

  #shownShort(url: string): string {
    return storable(this.shown(url).slice(0, MAX_URL));
  }

  /** Adds details of CORS to a failure, or to one that is still to be reported: Puppeteer waits for the headers of some. */
  explain({ requestId, corsErrorStatus }: Protocol.Network.LoadingFailedEvent): void {
    if (!corsErrorStatus) return;
    const failure = this.#failuresById.get(requestId);
    if (failure) failure.reason = corsReason(corsErrorStatus);
    else if (this.#explanations.size < MAX_FAILURES) this.#explanations.set(requestId, corsReason(corsErrorStatus));
  }
}

/** Postgres takes neither NUL nor half a pair of surrogates in JSON, and a document can bring both into a URL. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

function corsReason({ corsError, failedParameter }: Protocol.Network.CorsErrorStatus): string {
  if (corsError === 'MissingAllowOriginHeader') return 'cors: the server did not send Access-Control-Allow-Origin';
  const sent = failedParameter.slice(0, 100);
  return corsError === 'AllowOriginMismatch'
    ? `cors: the server sent Access-Control-Allow-Origin: ${sent}, which is another origin`
    : `cors: ${corsError} ${sent}`.trim();
}
