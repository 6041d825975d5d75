import { STATUS_CODES } from 'node:http';
import type { Protocol } from 'puppeteer';
import type { ResourceEnd } from '../domain/failing-resource.ts';
import type { FailedResource } from '../domain/job.ts';
import { Deadline } from '../kernel/deadline.ts';

/** Above the limit for requests; it can be reached with `data:` URLs, which do not count as requests. */
const MAX_FAILURES = 10_000;
/** Characters of a URL that are shown. */
const MAX_URL = 500;
/** What Chromium says of an answer that the page may not read. An image that is a page of HTML is one, such as a 404. */
const KEPT_FROM_PAGE = 'ERR_BLOCKED_BY_ORB';
/** Its status comes in another way, which may be slower on a busy machine. One from the cache has none. */
const STATUS_TIMEOUT_MS = 5_000;

/** How messages name a URL and a status. */
interface Names {
  shown: (url: string) => string;
  /** a hint to add to a status; empty if there is none */
  hint: (url: string, status: number) => string;
}

/** A resource, and how it ended. */
interface Ended {
  resource: FailedResource;
  end: ResourceEnd;
}

/** The resources of one document that could not be loaded, and those that fail its job. */
export class ResourceFailures {
  readonly list: FailedResource[] = [];
  /** whether a resource that ends like this fails the job */
  failsJob: (end: ResourceEnd) => boolean = () => false;
  readonly #names: Names;
  readonly #ended: Ended[] = [];
  readonly #byId = new Map<string, Ended>();
  /** by the id of a request whose failure has not been reported */
  readonly #explanations = new Map<string, string>();
  readonly #statuses = new Map<string, number>();
  /** ids of requests whose answer was kept from the page, and whose status is still to come */
  readonly #awaited = new Set<string>();
  #onStatus: (() => void) | undefined;

  constructor(names: Names) {
    this.#names = names;
  }

  /** @param requestId for what else is reported of the request, before or after */
  failed(url: string, reason: string, requestId?: string): void {
    const name = reason.replace('net::', '');
    const isKept = name === KEPT_FROM_PAGE && requestId !== undefined;
    const known = isKept ? this.#statuses.get(requestId) : undefined;
    if (isKept && known === undefined && this.#awaited.size < MAX_FAILURES) this.#awaited.add(requestId);
    const status = known !== undefined && known >= 400 ? known : undefined;
    const explained = requestId === undefined ? undefined : this.#explanations.get(requestId);
    this.#add(
      { url, status },
      status === undefined ? (explained ?? storable(name)) : this.#reason(url, status),
      requestId,
    );
  }

  /**
   * An answer of any status, which is a failure from 400 on.
   * @param isOwn it is a file of the document: one that it does not have gets no answer, as no server could give one
   */
  answered(url: string, status: number, { isOwn = false } = {}): void {
    const end = { url, status };
    if (status >= 400) this.#add({ url, status: isOwn ? undefined : status }, this.#reason(url, status));
    else if (this.failsJob(end)) this.#keep({ resource: { url: this.#shown(url), reason: '' }, end });
  }

  #add(end: ResourceEnd, reason: string, requestId?: string): void {
    if (this.list.length >= MAX_FAILURES) return;
    const ended = { resource: { url: this.#shown(end.url), reason }, end };
    this.list.push(ended.resource);
    this.#keep(ended);
    if (requestId !== undefined) this.#byId.set(requestId, ended);
  }

  #keep(ended: Ended): void {
    if (this.#ended.length < MAX_FAILURES) this.#ended.push(ended);
  }

  /** Must be called with each status: the page does not get that of an answer that is kept from it. */
  sawStatus({ requestId, statusCode: status }: Protocol.Network.ResponseReceivedExtraInfoEvent): void {
    const { resource, end } = this.#byId.get(requestId) ?? {};
    if (!resource || !end) {
      if (this.#statuses.size < MAX_FAILURES) this.#statuses.set(requestId, status);
    } else if (this.#awaited.delete(requestId)) {
      if (status >= 400) {
        end.status = status;
        resource.reason = this.#reason(end.url, status);
      }
      this.#onStatus?.();
    }
  }

  /** Resolves when the status of each answer that was kept from the page is there, or does not come. */
  async settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onStatus = () => {
      if (this.#awaited.size === 0) resolve();
    };
    this.#onStatus();
    await new Deadline(STATUS_TIMEOUT_MS).race('the statuses', promise).catch(() => undefined);
  }

  /** Adds details of CORS to a failure, or to one that is still to be reported: Puppeteer waits for the headers of some. */
  explain({ requestId, corsErrorStatus }: Protocol.Network.LoadingFailedEvent): void {
    if (!corsErrorStatus) return;
    const { resource } = this.#byId.get(requestId) ?? {};
    if (resource) resource.reason = corsReason(corsErrorStatus);
    else if (this.#explanations.size < MAX_FAILURES) this.#explanations.set(requestId, corsReason(corsErrorStatus));
  }

  /** Those that fail the job, such as `https://a.example/b.png - 404 Not Found`. */
  get failing(): string[] {
    return this.#ended
      .filter(({ end }) => this.failsJob(end))
      .map(({ resource, end: { url, status } }) => {
        const said = status === undefined ? resource.reason : `${status} ${STATUS_CODES[status] ?? ''}`.trim();
        return `${resource.url} - ${said}${status === undefined ? '' : this.#names.hint(url, status)}`;
      });
  }

  #reason(url: string, status: number): string {
    return `status ${status}${this.#names.hint(url, status)}`;
  }

  #shown(url: string): string {
    return storable(this.#names.shown(url).slice(0, MAX_URL));
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
