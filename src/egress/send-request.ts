import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { readAnswer } from './answer-text.ts';
import { Denied, type Dialer } from './dialer.ts';
import { endToEnd } from './end-to-end.ts';
import type { DenialReason } from './policy.ts';
import { retryAfterSeconds } from './retry-after.ts';

/**
 * Why a request has no answer, in words that its owner may see. Whatever depends on our network reads alike: a name that
 * is not known, a port that is closed, and an address that is denied.
 */
export const SEND_ERRORS = {
  address: 'it is not an address that may be connected to',
  unreachable: 'it could not be reached',
  tls: 'no secure connection could be made: its certificate is not valid for this address, or it does not speak TLS',
  timeout: 'it did not answer in time',
  cut: 'the connection ended before the answer was complete',
  malformed: 'its answer is not valid HTTP, or its headers are too large',
  unsendable: 'the address or a header cannot be sent',
} as const;

type SendError = keyof typeof SEND_ERRORS;

export interface OutgoingRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  url: string;
  /** without those of the connection, which are ours */
  headers: Record<string, string>;
  /** a stream is destroyed at the end, whatever happens */
  body: Buffer | Readable;
  /** bytes of the body */
  size: number;
  /** milliseconds until the answer is complete */
  totalMs: number;
  /** milliseconds for which nothing may move on the connection; default: as long as all */
  idleMs?: number;
  /** reads the answer, of which then nothing is kept; what it throws is the `cause`, with the error `cut` */
  read?: (answer: IncomingMessage) => Promise<void>;
  /** gives up: the result is `aborted` */
  signal?: AbortSignal;
}

/** What became of a request. Without an `error` the answer is complete, or more than we read of it was there. */
export interface SentRequest {
  /** `aborted`: its signal; `body`: the body could not be read, and `cause` says why; `cut`: so does what read the answer */
  error?: SendError | 'aborted' | 'body';
  cause?: unknown;
  /** why the policy denied it; for the log, never for its owner */
  denied?: DenialReason;
  /** HTTP, if the headers of the answer were complete */
  status?: number;
  /** of the header `Retry-After`, from now on */
  retryAfterSeconds?: number;
  /** the first 1 KB of the answer */
  answer: string;
  ms: number;
}

/** Enough for any receiver; a document's server may send more (proxy.ts). */
const MAX_HEADER_BYTES = 16 * 1024;
/** Interim (1xx) answers before the answer. */
const MAX_INTERIM = 20;
/** Headers that are always ours, beside those of the connection. */
const OWN_HEADERS = ['host', 'content-length', 'expect'];

/**
 * Sends a request to an address that a tenant names: over a socket of the dialer, so only where documents may connect
 * to. Redirects are answers like others and are not followed. Always ends in time, and never throws: whatever the
 * receiver does is a result.
 *
 * An answer that is cut before its end is an error even if its status is 200: the receiver may have died before it
 * kept what it was sent.
 */
export async function sendRequest(dialer: Dialer, request: OutgoingRequest): Promise<SentRequest> {
  const startedAt = performance.now();
  const exchange = new Exchange(request);
  try {
    const result = await exchange.run(dialer);
    return { answer: '', ...result, ms: Math.round(performance.now() - startedAt) };
  } finally {
    exchange.close();
  }
}

type Result = Omit<SentRequest, 'answer' | 'ms'> & { answer?: string };

/** One request and its answer. The first thing that ends it is its result; what follows is ignored. */
class Exchange {
  readonly #request: OutgoingRequest;
  readonly #ended = Promise.withResolvers<Result>();
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  /** known when the headers of the answer are complete */
  #answered: Pick<SentRequest, 'status' | 'retryAfterSeconds'> = {};
  #socket: Socket | undefined;
  /** of a body that is a stream */
  #sentBytes = 0;
  #onward: ClientRequest | undefined;

  constructor(request: OutgoingRequest) {
    this.#request = request;
    this.#timer = setTimeout(() => this.#end({ error: 'timeout' }), request.totalMs);
    if (!Buffer.isBuffer(request.body)) request.body.on('error', (cause) => this.#end({ error: 'body', cause }));
    request.signal?.addEventListener('abort', this.#abort);
    if (request.signal?.aborted) this.#abort();
  }

  readonly #abort = () => this.#end({ error: 'aborted' });

  run(dialer: Dialer): Promise<Result> {
    this.#connect(dialer).catch((cause: unknown) => this.#end({ error: 'unsendable', cause }));
    return this.#ended.promise;
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#abort);
    this.#onward?.destroy();
    this.#socket?.destroy();
    const { body } = this.#request;
    if (!Buffer.isBuffer(body)) body.destroy();
  }

  #end(result: Result): void {
    this.#ended.resolve({ ...this.#answered, ...result });
  }

  /** The connection is gone. What that means for an answer that has begun, its reader says. */
  #lose(error: SendError): void {
    if (this.#answered.status === undefined) this.#end({ error });
  }

  async #connect(dialer: Dialer): Promise<void> {
    const url = URL.canParse(this.#request.url) ? new URL(this.#request.url) : undefined;
    const isSecure = url?.protocol === 'https:';
    if (!url || (!isSecure && url.protocol !== 'http:')) return this.#end({ error: 'unsendable' });
    const socket = await this.#dial(dialer, url, Number(url.port || (isSecure ? 443 : 80)));
    if (!socket) return;
    if (isSecure) this.#secure(socket, url);
    else this.#send(socket, url);
  }

  async #dial(dialer: Dialer, url: URL, port: number): Promise<Socket | undefined> {
    try {
      const socket = await dialer.dial(url.hostname, port);
      this.#socket = socket;
      socket.on('error', () => this.#lose('cut'));
      if (this.#isOver) socket.destroy();
      if (!socket.destroyed) return socket;
      this.#lose('cut');
      return undefined;
    } catch (error) {
      const isDenied = error instanceof Denied;
      this.#end({
        error: isDenied && error.isEvident ? 'address' : 'unreachable',
        ...(isDenied && { denied: error.reason }),
      });
      return undefined;
    }
  }

  #secure(socket: Socket, url: URL): void {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
    const secure: TLSSocket = connectTls({
      socket,
      host, // the certificate is checked against it
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true, // whatever the environment says
    });
    for (const event of ['error', 'close']) secure.on(event, () => this.#lose(secure.authorized ? 'cut' : 'tls'));
    secure.once('secureConnect', () => {
      try {
        this.#send(secure, url);
      } catch (cause) {
        this.#end({ error: 'unsendable', cause }); // nobody else catches it here
      }
    });
  }

  #send(socket: Socket, url: URL): void {
    if (this.#isOver) return;
    const { method, headers, body, size, idleMs } = this.#request;
    const onward = httpRequest({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      headers: [
        ...endToEnd(Object.entries(headers).flat(), OWN_HEADERS),
        'Host',
        url.host,
        ...(method === 'GET' ? [] : ['Content-Length', String(size)]),
        'Connection',
        'close',
      ],
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    this.#onward = onward;
    if (idleMs !== undefined) socket.setTimeout(idleMs, () => this.#end({ error: 'timeout' }));
    onward.on('error', (error: Error & { code?: string }) =>
      this.#lose(error.code?.startsWith('HPE_') ? 'malformed' : 'cut'),
    );
    onward.once('close', () => this.#lose('cut'));
    onward.once('upgrade', (_, upgraded) => {
      upgraded.on('error', () => undefined);
      this.#end({ error: 'malformed' }); // no upgrade was requested
    });
    let interim = 0;
    onward.on('information', () => {
      if (++interim > MAX_INTERIM) this.#end({ error: 'malformed' });
    });
    onward.once('response', (answer) => void this.#read(answer));
    if (Buffer.isBuffer(body)) onward.end(body);
    else
      pipeline(
        body,
        (pieces: AsyncIterable<Uint8Array>) => this.#counted(pieces),
        onward,
        () => undefined,
      ); // both have handlers of their errors
  }

  /** The source may end later than its last byte is sent, and answered. */
  async *#counted(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const piece of pieces) {
      this.#sentBytes += piece.byteLength;
      yield piece;
    }
  }

  /** An answer that comes before all of the body was sent is a failure, unless it says so itself. */
  async #read(answer: IncomingMessage): Promise<void> {
    answer.on('error', () => undefined);
    const { body } = this.#request;
    const status = answer.statusCode ?? 0;
    const retryAfter = retryAfterSeconds(answer.headers['retry-after'], Date.now());
    this.#answered = { status, ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }) };
    const isWhole = Buffer.isBuffer(body) || this.#sentBytes >= this.#request.size;
    if (this.#request.read) return this.#give(answer, this.#request.read);
    const { text, isComplete } = await readAnswer(answer);
    const isCut = !isComplete || (status < 300 && !isWhole);
    this.#end({ answer: text, ...(isCut && { error: 'cut' as const }) });
  }

  async #give(answer: IncomingMessage, read: NonNullable<OutgoingRequest['read']>): Promise<void> {
    try {
      await read(answer);
      this.#end({});
    } catch (cause) {
      this.#end({ error: 'cut', cause });
    }
  }
}
