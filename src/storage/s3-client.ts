import { createHash } from 'node:crypto';
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Access } from '../config/load.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { presignedPath, sha256, signedHeaders, withQuery } from './s3-signature.ts';

interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** of the object, in characters that need no encoding; default: the request is about the bucket */
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: readonly Uint8Array[];
  /** of the body, lower-case hex; default: it is computed */
  sha256?: string;
  signal?: AbortSignal | undefined;
}

interface S3Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Sockets to a bucket from one process. */
export const SOCKETS = 16;

/** Milliseconds that are waited for a bucket. */
export interface S3Patience {
  /** a connection on which nothing moves for so long is closed */
  idleMs: number;
  /** for a request; the time for its bytes at {@link LEAST_RATE} is added */
  requestMs: number;
  /** after so long since the first attempt nothing is tried again */
  attemptsMs: number;
  /** before the second attempt, on average; twice as long before each further one */
  pauseMs: number;
}

/** Without the time for a request's bytes it is less than the 30 s in which every store has to make progress. */
const PATIENCE: S3Patience = { idleMs: 8_000, requestMs: 10_000, attemptsMs: 12_000, pauseMs: 100 };
/** Bytes per millisecond. */
const LEAST_RATE = 500;
const ATTEMPTS = 4;
const LONGEST_PAUSE_MS = 5_000;
/** An answer is a piece of a file, or a page of a list. */
const LARGEST_ANSWER = 2 * MEGABYTE;

/** Another attempt may succeed. */
const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504]);
const TRANSIENT_CODES = new Set(['RequestTimeout', 'IncompleteBody', 'InternalError', 'SlowDown', 'OperationAborted']);
/** The server got other bytes than were sent. */
const ALTERED_CODES = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'InvalidDigest']);

/** An answer of S3 that is an error. */
export class S3Error extends Error {
  override name = 'S3Error';
  readonly status: number;
  /** S3's, such as `NoSuchKey`; `http_502` if there is none */
  readonly code: string;
  /** where the bucket is, if it is not in the region of the request */
  readonly region: string | undefined;
  readonly retryAfterMs: number;

  constructor({ status, headers, body }: S3Answer) {
    const text = body.toString();
    const code = textOf(text, /<Code>([^<]+)<\/Code>/) ?? `http_${status}`;
    super(textOf(text, /<Message>([^<]+)<\/Message>/) ?? `S3 answered ${status}`);
    this.status = status;
    this.code = ALTERED_CODES.has(code) ? 'altered' : code;
    this.region = textOf(text, /<Region>([^<]+)<\/Region>/) ?? headers['x-amz-bucket-region']?.toString();
    this.retryAfterMs = Number(headers['retry-after'] ?? 0) * 1000 || 0;
  }

  get isTransient(): boolean {
    return TRANSIENT_STATUS.has(this.status) || TRANSIENT_CODES.has(this.code) || this.code === 'altered';
  }
}

/** Nothing moved on the connection, or too little. */
class S3Slow extends Error {
  readonly code = 'slow';
}

/** Signed requests to one bucket, with answers as a whole. What may succeed at another attempt is tried again. */
export class S3Client {
  readonly #base: URL;
  readonly #access: S3Access;
  readonly #patience: S3Patience;
  readonly #agent: HttpAgent;

  constructor(bucket: string, access: S3Access, patience = PATIENCE) {
    this.#access = access;
    this.#patience = patience;
    this.#base = addressOf(bucket, access);
    const options = { keepAlive: true, maxSockets: SOCKETS };
    this.#agent = this.#isSecure ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** @throws S3Error for an error of S3; otherwise an error with the system's code, or `slow`; the reason of `signal` */
  async send(request: S3Request): Promise<S3Answer> {
    const { signal } = request;
    const startedAt = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#attempt(request);
        // S3 may begin an answer as a success before it knows.
        if (answer.status >= 300 || isLateError(request, answer)) throw new S3Error(answer);
        return answer;
      } catch (error) {
        signal?.throwIfAborted();
        const isOver = attempt === ATTEMPTS || performance.now() - startedAt > this.#patience.attemptsMs;
        if (isOver || (error instanceof S3Error && !error.isTransient)) throw error;
        const pauseMs = this.#patience.pauseMs * 2 ** attempt * Math.random();
        const askedMs = error instanceof S3Error ? error.retryAfterMs : 0;
        await sleep(Math.min(LONGEST_PAUSE_MS, Math.max(pauseMs, askedMs)), undefined, { signal });
      }
    }
  }

  /** A URL with which anybody can read an object for so many seconds. */
  presigned(
    key: string,
    { now, seconds, query }: { now: Date; seconds: number; query: Record<string, string> },
  ): string {
    const { host, origin } = this.#base;
    const path = withQuery(this.#pathOf(key), query);
    return `${origin}${presignedPath({ path, host, seconds }, this.#access, now)}`;
  }

  #pathOf(key: string | undefined): string {
    const { pathname } = this.#base;
    return key === undefined ? pathname : `${pathname.replace(/\/$/, '')}/${key}`;
  }

  get #isSecure(): boolean {
    return this.#base.protocol === 'https:';
  }

  #attempt({ method, key, query = {}, headers = {}, body = [], signal, ...given }: S3Request): Promise<S3Answer> {
    const { host } = this.#base;
    const path = withQuery(this.#pathOf(key), query);
    const size = body.reduce((sum, piece) => sum + piece.byteLength, 0);
    const digests: Record<string, string> =
      body.length === 0
        ? { 'x-amz-content-sha256': sha256('') }
        : {
            'x-amz-content-sha256': given.sha256 ?? digest('sha256', body).toString('hex'),
            // In addition, since not every store compares the hash that is signed.
            'content-md5': digest('md5', body).toString('base64'),
          };
    const signed = signedHeaders({ method, path, headers: { host, ...digests, ...headers } }, this.#access, new Date());

    const { promise, resolve, reject } = Promise.withResolvers<S3Answer>();
    const send = this.#isSecure ? httpsRequest : httpRequest;
    const request = send(this.#base, {
      method,
      path,
      headers: method === 'PUT' || method === 'POST' ? { ...signed, 'content-length': size } : signed,
      agent: this.#agent,
      timeout: this.#patience.idleMs,
    });
    const giveUp = () => {
      reject(new S3Slow(`${host} is slow, or does not answer`));
      request.destroy();
    };
    const timer = setTimeout(giveUp, this.#patience.requestMs + size / LEAST_RATE);
    const abort = () => request.destroy();
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    request.on('timeout', giveUp);
    request.on('error', reject);
    request.on('response', (response) => void answerOf(response).then(resolve, reject));
    for (const piece of body) request.write(piece);
    request.end();
    return promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (!request.writableFinished) request.destroy(); // S3 answered before it had read everything
    });
  }
}

/** By the path for every endpoint but Amazon's, and for a bucket with dots, which no certificate there would match. */
export function addressOf(bucket: string, { endpoint, region }: Pick<S3Access, 'endpoint' | 'region'>): URL {
  if (endpoint !== undefined) return new URL(`${endpoint.replace(/\/$/, '')}/${bucket}`);
  const host = `s3.${region}.amazonaws.com`;
  return new URL(bucket.includes('.') ? `https://${host}/${bucket}` : `https://${bucket}.${host}/`);
}

async function answerOf(response: IncomingMessage): Promise<S3Answer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.byteLength;
    if (size > LARGEST_ANSWER) throw new Error(`the answer has more than ${LARGEST_ANSWER} bytes`); // and so the loop closes it
    pieces.push(piece);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) };
}

function isLateError({ method }: S3Request, { body }: S3Answer): boolean {
  return method === 'POST' && body.includes('<Error>');
}

function digest(algorithm: 'sha256' | 'md5', pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash(algorithm);
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/** The first match in XML, without its entities: what is looked for has none but `&quot;` around an ETag. */
export function textOf(xml: string, pattern: RegExp): string | undefined {
  return pattern.exec(xml)?.[1];
}
