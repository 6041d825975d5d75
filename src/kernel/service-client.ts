import { messageOf, OperatorError } from './errors.ts';

/** Milliseconds for one request. */
const TIMEOUT_MS = 60_000;

export interface ServiceRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** a generator's pieces are sent as they come */
  body?: Uint8Array<ArrayBuffer> | string | AsyncGenerator<Uint8Array>;
  /** media type of the body */
  type?: string;
  headers?: Record<string, string>;
  /** ends it, and the reading of its answer */
  signal?: AbortSignal | undefined;
  /** milliseconds for it and for reading its answer; Infinity: the signal alone decides. Default: a minute */
  timeoutMs?: number;
  /** statuses that are no error, besides 2xx */
  allow?: readonly number[];
}

/** The service did not answer. */
export class Unreachable extends OperatorError {
  override name = 'Unreachable';
}

/** The service answered with an error (RFC 9457). */
export class Refusal extends OperatorError {
  override name = 'Refusal';
  readonly status: number;
  /** one of ERROR_CODES; empty if it was not the service that answered */
  readonly code: string;
  readonly problems: readonly { field: string; message: string; row?: number }[];
  /** seconds after which the same may be allowed */
  readonly retryAfter: number | undefined;

  constructor(message: string, about: Pick<Refusal, 'status' | 'code' | 'problems' | 'retryAfter'>) {
    super(message);
    this.status = about.status;
    this.code = about.code;
    this.problems = about.problems;
    this.retryAfter = about.retryAfter;
  }
}

/** A running service, with a key. */
export class ServiceClient {
  readonly url: string;
  readonly #key: string;
  /** why it is this address, if nobody has named one */
  readonly #origin: string;

  constructor(url: string, key: string, origin = '') {
    this.url = url.replace(/\/$/, '');
    this.#key = key;
    this.#origin = origin;
  }

  /** @throws Refusal that says what the service said, Unreachable, the reason of the signal */
  async send(request: ServiceRequest): Promise<Response> {
    const { method, path, body, type, allow = [], timeoutMs = TIMEOUT_MS } = request;
    const headers = {
      Authorization: `Bearer ${this.#key}`,
      ...(type !== undefined && { 'Content-Type': type }),
      ...request.headers,
    };
    const signals = [request.signal, timeoutMs === Infinity ? undefined : AbortSignal.timeout(timeoutMs)];
    const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
    const isStream = typeof body === 'object' && 'next' in body;
    const init = isStream ? { body: streamOf(body), duplex: 'half' } : body !== undefined && { body };
    const response = await fetch(`${this.url}${path}`, { method, headers, signal, ...init }).catch((error: unknown) => {
      request.signal?.throwIfAborted();
      const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new Unreachable(
        `${this.url}${this.#origin} could not be reached: ${messageOf(reason)}; allowed: PDFPROMPT_URL or --url of a running service`,
        { cause: error },
      );
    });
    if (response.ok || allow.includes(response.status)) return response;
    throw await refusal(response);
  }

  async json<T>(request: ServiceRequest): Promise<T> {
    const response = await this.send(request);
    const text = await response.text().catch((error: unknown) => {
      request.signal?.throwIfAborted();
      throw new Unreachable(`${this.url}: the connection was lost: ${messageOf(error)}`, { cause: error });
    });
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new OperatorError(`${this.url} is no pdfprompt: ${messageOf(error)}`, { cause: error });
    }
  }
}

function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await pieces.return(undefined)),
  });
}

/** What an error answer says. */
async function refusal(response: Response): Promise<Refusal> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  let problem: { detail?: unknown; title?: unknown; code?: unknown; errors?: unknown } = {};
  try {
    problem = (JSON.parse(text) ?? {}) as typeof problem;
  } catch {
    // another server's page
  }
  const said = [problem.detail, problem.title].find((each) => typeof each === 'string' && each !== '');
  const hint = status === 401 ? '; allowed: PDFPROMPT_KEY or --key with a key of this service' : '';
  const wait = response.headers.get('retry-after') ?? '';
  return new Refusal(`${(said as string | undefined) ?? `the service answered ${status}`}${hint}`, {
    status,
    code: typeof problem.code === 'string' ? problem.code : '',
    problems: Array.isArray(problem.errors) ? (problem.errors as Refusal['problems']) : [],
    retryAfter: /^\d{1,6}$/.test(wait) ? Number(wait) : undefined,
  });
}
