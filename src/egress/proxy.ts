import {
  createServer,
  type IncomingMessage,
  type OutgoingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { forJob } from '../kernel/current-job.ts';
import type { EgressChannel } from './channel.ts';
import { Denied, type Dialer } from './dialer.ts';
import { endToEnd } from './end-to-end.ts';
import { isServedHost } from './served-origin.ts';
import { absoluteHttpUrl, type Target, tunnelTarget } from './target.ts';

/** Large, since some sites send many cookies. */
const MAX_HEADER_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;

/** The same answer for every reason, so that a document learns nothing about our network. */
const UNREACHABLE = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/**
 * An HTTP proxy (RFC 9112: CONNECT, and requests in absolute form) that connects only to what its dialer allows. It
 * does not listen itself: each connection is handed to it with its channel.
 *
 * Browser and servers are both untrusted and may send anything at any time. That may end the connection, but nothing
 * else: every stream has an error handler ({@link destroyOnError}), and an exception during an answer becomes a 502.
 */
export class EgressProxy {
  readonly #dialer: Dialer;
  readonly #server: Server;
  readonly #channels = new WeakMap<Socket, EgressChannel>();

  constructor(dialer: Dialer) {
    this.#dialer = dialer;
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS });
    this.#server.on('connect', (request, socket: Socket, head) => {
      this.#tunnel(request, socket, head).catch(() => socket.destroy());
    });
    this.#server.on('request', (request, response) => {
      this.#forward(request, response).catch(() => refuse(response));
    });
    this.#server.on('clientError', (_, socket) => socket.destroy());
  }

  /** Serves a connection of a browser. */
  accept(socket: Socket, channel: EgressChannel): void {
    this.#channels.set(socket, channel);
    destroyOnError(socket);
    forJob(channel.use?.jobId, () => this.#server.emit('connection', socket));
  }

  async #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const channel = this.#channelOf(socket);
    const target = tunnelTarget(request.url ?? '');
    socket.pause();
    const remote = await this.#reach(channel, target);
    if (!remote) {
      socket.write(UNREACHABLE);
      socket.destroySoon(); // nothing reads this socket any more, so the browser's own end would go unnoticed
      return;
    }
    channel.track(socket);
    if (socket.destroyed) return void remote.destroy();
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.byteLength > 0) remote.write(head);
    for (const each of [socket, remote]) each.on('data', (data: Buffer) => channel.count(data.byteLength));
    pipeline(socket, remote, socket, () => {
      socket.destroy();
      remote.destroy();
    });
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    destroyOnError(request);
    destroyOnError(response);
    const channel = this.#channelOf(request.socket);
    const url = absoluteHttpUrl(request.url ?? '');
    const serves = channel.use?.serves;
    if (url && serves && url.origin === serves.origin) {
      const denied = channel.admit();
      if (denied) {
        channel.deny(denied, url.host);
        return refuse(response);
      }
      channel.track(request.socket);
      request.on('data', (data: Buffer) => channel.count(data.byteLength));
      return channel.count(await serves.answer(url, request, response));
    }
    const remote = await this.#reach(channel, url && { host: url.hostname, port: Number(url.port || 80) });
    if (!url || !remote) return refuse(response);
    response.once('close', () => remote.destroy());
    if (response.destroyed) remote.destroy();
    channel.track(request.socket);
    const onward = httpRequest({
      createConnection: () => remote,
      method: request.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: [...endToEnd(request.rawHeaders, ['host']), 'Host', url.host, 'Connection', 'close'],
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    destroyOnError(onward);
    // Counted on the socket, to include headers and interim (1xx) answers.
    onward.once('socket', (socket) => socket.on('data', (data: Buffer) => channel.count(data.byteLength)));
    onward.once('upgrade', (_, socket) => socket.destroy()); // no upgrade was requested
    onward.once('close', () => {
      if (!response.headersSent) refuse(response); // it ended without a valid answer
    });
    onward.once('response', (answer) => {
      destroyOnError(answer);
      try {
        response.writeHead(answer.statusCode ?? 0, endToEnd(answer.rawHeaders, []));
        pipeline(answer, response, () => remote.destroy());
      } catch {
        onward.destroy(); // an invalid status or header, or the browser has closed the response
      }
    });
    request.on('data', (data: Buffer) => channel.count(data.byteLength));
    pipeline(request, onward, () => undefined);
  }

  /** Connects to the target. @returns undefined if that is denied or fails, after recording it in the channel */
  async #reach(channel: EgressChannel, target: Target | undefined): Promise<Socket | undefined> {
    const name = target ? `${target.host}:${target.port}` : '';
    const refused = target && !channel.use?.isOwnOnly ? undefined : target ? 'policy' : 'malformed';
    const denied = channel.admit() ?? refused;
    if (denied || !target) {
      channel.deny(denied ?? 'malformed', name);
      return undefined;
    }
    if (isServedHost(target.host)) {
      channel.failed(name); // another document's origin, which is not even looked up
      return undefined;
    }
    try {
      const remote = await this.#dialer.dial(target.host, target.port);
      destroyOnError(remote);
      channel.track(remote);
      return remote.destroyed ? undefined : remote;
    } catch (error) {
      if (error instanceof Denied) channel.deny(error.reason, name, error);
      else channel.failed(name);
      return undefined;
    }
  }

  #channelOf(socket: Socket): EgressChannel {
    const channel = this.#channels.get(socket);
    if (!channel) throw new Error('a connection without a channel');
    return channel;
  }
}

/** Without a handler, an error of a stream would end the process. */
function destroyOnError(stream: Socket | IncomingMessage | OutgoingMessage): void {
  stream.on('error', () => stream.destroy());
}

function refuse(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(502, { 'Content-Length': 0, Connection: 'close' }).end();
}
