import { pause } from './pause.ts';
import { errorOf, PdfpromptError } from './pdfprompt-error.ts';
import { randomId } from './random-id.ts';
import { type Body, isRepeatable } from './upload.ts';

/** Where the service is, and how patient the client is. */
export interface PdfpromptOptions {
  /** of the service, such as `https://pdf.example.com` */
  url: string;
  /** `pdf_…` */
  key: string;
  /** how often a call is tried again that the network or the service interrupted; default 5 */
  retries?: number | undefined;
  /** seconds of `Retry-After` that are waited for; with more the call fails at once; default 60 */
  maxRetryAfter?: number | undefined;
  /** instead of the runtime's own */
  fetch?: typeof globalThis.fetch | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** ends the call, with the signal's reason */
  signal?: AbortSignal | undefined;
}

/** What a call takes that makes something. */
export interface SubmitOptions extends CallOptions {
  /** calls with the same key and body make one job; default: a new one, which all tries of the call share */
  idempotencyKey?: string | undefined;
}

export interface Call extends CallOptions {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** below `/v1/` */
  path: string;
  query?: object | undefined;
  headers?: Record<string, string> | undefined;
  body?: Body | undefined;
  /** whether it may be made twice; default: unless it is a POST without an Idempotency-Key */
  isRepeatable?: boolean | undefined;
  /** whether 404 is a success when a try before may have deleted it; default false */
  mayBeGone?: boolean | undefined;
}

type Outcome<T> = { value: T } | { error: PdfpromptError };

/** Statuses of limits of the moment: nothing was done. */
const REFUSED = new Set([429]);
/** Statuses of a service that is restarted, or of a proxy without it: something may have been done. */
const INTERRUPTED = new Set([408, 502, 503, 504]);

/** Milliseconds, doubled with each try up to the last. */
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 10_000;

/** Whether a call failed for what passes by itself: the network, a restart, a limit of the moment. */
export const isPassing = ({ status }: PdfpromptError) => status === 0 || REFUSED.has(status) || INTERRUPTED.has(status);

/** Makes calls of the API, again if need be. */
export class Connection {
  readonly #url: string;
  readonly #key: string;
  readonly #retries: number;
  readonly #maxRetryAfter: number;
  readonly #fetch: typeof globalThis.fetch;

  /** @throws PdfpromptError `invalid_key` */
  constructor({ url, key, retries = 5, maxRetryAfter = 60, fetch = globalThis.fetch }: PdfpromptOptions) {
    this.#url = new URL(url).href.replace(/\/$/, '');
    if (!isHeaderValue(key))
      throw new PdfpromptError('invalid_key', 'key: allowed: pdf_ and the letters and digits that follow it');
    this.#key = key;
    this.#retries = retries;
    this.#maxRetryAfter = maxRetryAfter;
    this.#fetch = (...call) => fetch(...call); // a browser's own refuses to be called as a method
  }

  /** @throws PdfpromptError for what is no success, and the signal's reason */
  async send(call: Call): Promise<Response> {
    return this.#attempt(call, async (response) => response);
  }

  /** The JSON of the answer. An answer that breaks off is as none. */
  async json<T>(call: Call): Promise<T> {
    return this.#attempt(call, async (response) => (await response.json()) as T);
  }

  /** Deletes something. If the answer to the first try is lost, it is gone at the second. */
  async delete(path: string, { signal }: CallOptions): Promise<void> {
    await this.send({ method: 'DELETE', path, signal, mayBeGone: true });
  }

  async #attempt<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    let wasInterrupted = false;
    for (let failures = 0; ; failures++) {
      const outcome: Outcome<T> = await this.#try(call, read, wasInterrupted);
      if ('value' in outcome) return outcome.value;
      wasInterrupted ||= !REFUSED.has(outcome.error.status);
      const pauseMs = failures < this.#retries ? this.#pauseAfter(outcome.error, call, failures) : undefined;
      if (pauseMs === undefined) throw outcome.error;
      await pause(pauseMs, call.signal);
    }
  }

  async #try<T>(
    { method, path, query = {}, headers, body, signal, mayBeGone = false }: Call,
    read: (response: Response) => Promise<T>,
    wasInterrupted: boolean,
  ): Promise<Outcome<T>> {
    signal?.throwIfAborted();
    try {
      const init: RequestInit & { duplex?: 'half' } = {
        method,
        headers: { Authorization: `Bearer ${this.#key}`, ...(body && { 'Content-Type': body.type }), ...headers },
        ...(body && { body: body.content }),
        // A stream is sent while nothing has been answered yet: fetch wants this to be said.
        ...(!isRepeatable(body) && { duplex: 'half' }),
        ...(signal && { signal }),
      };
      const response = await this.#fetch(`${this.#url}/v1/${path}${queryText(query)}`, init);
      const isDone = response.ok || (mayBeGone && wasInterrupted && response.status === 404);
      return isDone ? { value: await read(response) } : { error: await errorOf(response) };
    } catch (error) {
      signal?.throwIfAborted();
      return { error: new PdfpromptError('unreachable', `no whole answer from ${this.#url}`, { cause: error }) };
    }
  }

  /** Milliseconds; undefined if the call is not made again. */
  #pauseAfter(error: PdfpromptError, call: Call, failures: number): number | undefined {
    const { retryAfter } = error;
    const { method, headers, body } = call;
    const mayRepeat = call.isRepeatable ?? (method !== 'POST' || headers?.['Idempotency-Key'] !== undefined);
    if (!isPassing(error) || !(mayRepeat || REFUSED.has(error.status)) || !isRepeatable(body)) return undefined;
    if (retryAfter !== undefined && retryAfter > this.#maxRetryAfter) return undefined;
    const backoffMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, LAST_PAUSE_MS);
    // Not all at the same time, if many were interrupted at once.
    return Math.max(backoffMs * (0.5 + Math.random() / 2), (retryAfter ?? 0) * 1000);
  }
}

/** Whether a header can have it. @param text of a caller without types it may be undefined */
function isHeaderValue(text: string | undefined): boolean {
  try {
    return Boolean(text) && new Headers({ Authorization: `Bearer ${text}` }).has('Authorization');
  } catch {
    return false;
  }
}

/** Lists are separated by commas; what is undefined is left out. */
function queryText(query: object): string {
  const members = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return members.length === 0 ? '' : `?${new URLSearchParams(members)}`;
}

/** @param idempotencyKey default: a new one */
export const idempotent = (idempotencyKey: string = randomId()) => ({ 'Idempotency-Key': idempotencyKey });

export const jsonBody = (value: unknown): Body => ({ content: JSON.stringify(value), type: 'application/json' });
