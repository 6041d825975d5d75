import { once } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  key?: string;
  /** JSON */
  body?: Buffer;
  /** milliseconds until the last byte of the response */
  timeoutMs: number;
}

export interface HttpResponse {
  status: number;
  /** the first 100 KB of the body: all of it but for a PDF */
  head: Buffer;
  /** bytes of the whole body */
  size: number;
}

const KEPT_BYTES = 100_000;

/**
 * HTTP to one service over keep-alive connections. Node's own `http`: a request costs half the CPU of `fetch`, and
 * none waits for a free connection unless `connections` says so.
 */
export class HttpClient {
  readonly #base: URL;
  readonly #agent: HttpAgent;
  readonly #request: typeof httpRequest;
  readonly #closed = new AbortController();

  /**
   * @param url `http:` or `https:`, with or without a path before `/v1`
   * @param options.connections at a time; further requests wait (default: no limit)
   */
  constructor(url: string, { connections = Infinity } = {}) {
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    const isSecure = this.#base.protocol === 'https:';
    this.#agent = new (isSecure ? HttpsAgent : HttpAgent)({
      keepAlive: true,
      maxSockets: connections,
      maxFreeSockets: 10_000,
    });
    this.#request = isSecure ? httpsRequest : httpRequest;
  }

  /** @throws `TimeoutError`, `AbortError` after close(), or a network error. Every HTTP status is a response. */
  async send({ method, path, key, body, timeoutMs }: HttpRequest): Promise<HttpResponse> {
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(Math.max(0, Math.round(timeoutMs)))]);
    try {
      signal.throwIfAborted();
      const request = this.#request(new URL(path.slice(1), this.#base), {
        method,
        signal,
        agent: this.#agent,
        headers: {
          ...(key !== undefined && { Authorization: `Bearer ${key}` }),
          ...(body && { 'Content-Type': 'application/json', 'Content-Length': body.length }),
        },
      });
      request.on('error', () => undefined); // one that comes after the response begins is also the response's error
      request.end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const kept: Buffer[] = [];
      let size = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) {
        if (size < KEPT_BYTES) kept.push(chunk.subarray(0, KEPT_BYTES - size));
        size += chunk.length;
      }
      return { status: response.statusCode ?? 0, head: Buffer.concat(kept), size };
    } catch (error) {
      signal.throwIfAborted(); // its reason is a timeout or close()
      throw error;
    }
  }

  /** Aborts the requests under way, too. */
  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }
}

/** The body as JSON; undefined if it is not JSON. */
export function jsonOf({ head }: Pick<HttpResponse, 'head'>): unknown {
  try {
    return JSON.parse(head.toString('utf8'));
  } catch {
    return undefined;
  }
}
