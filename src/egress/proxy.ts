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
import { absoluteHttpUrl, type Target, tunnelTarget } from './target.ts';

/** Bytes. Some sites send many cookies. */
const MAX_HEADER_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;

/** Whatever the reason is: who asks must not learn what there is in our network. */
const UNREACHABLE = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/**
 * An HTTP proxy (RFC 9112: CONNECT, and requests in absolute form) that connects only where its dialer
 * does. It listens nowhere: connections are given to it, each with the channel that it came through.
 *
 * Both sides are hostile: what a browser or a server sends may be anything, at any moment. It can cost the
 * document its connection, never more: every stream here has somebody who hears its errors ({@link endsAlone}),
 * and whatever throws while an answer is handled becomes a 502.
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

  /** A connection of a browser. */
  accept(socket: Socket, channel: EgressChannel): void {
    this.#channels.set(socket, channel);
    endsAlone(socket);
    forJob(channel.jobId, () => this.#server.emit('connection', socket));
  }

  async #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const channel = this.#channelOf(socket);
    const target = tunnelTarget(request.url ?? '');
    socket.pause();
    const remote = await this.#reach(channel, target);
    if (!remote) {
      socket.write(UNREACHABLE);
      socket.destroySoon(); // nobody reads what it sends: an end of its own would not be seen
      return;
    }
    channel.hold(socket);
    if (socket.destroyed) {
      remote.destroy();
      return;
    }
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.byteLength > 0) remote.write(head);
    for (const each of [socket, remote]) each.on('data', (data: Buffer) => channel.count(data.byteLength));
    pipeline(socket, remote, socket, () => {
      socket.destroy();
      remote.destroy();
    });
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    endsAlone(request);
    endsAlone(response);
    const channel = this.#channelOf(request.socket);
    const url = absoluteHttpUrl(request.url ?? '');
    if (url && url.origin === channel.serves?.origin) {
      channel.serves.answer(url, request, response);
      return;
    }
    const remote = await this.#reach(channel, url && { host: url.hostname, port: Number(url.port || 80) });
    if (!url || !remote) {
      refuse(response);
      return;
    }
    response.once('close', () => remote.destroy());
    if (response.destroyed) remote.destroy();
    channel.hold(request.socket);
    const onward = httpRequest({
      createConnection: () => remote,
      method: request.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: [...endToEnd(request.rawHeaders, ['host']), 'Host', url.host, 'Connection', 'close'],
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    endsAlone(onward);
    // Counted on the connection: headers, and answers before the answer, are bytes too.
    onward.once('socket', (socket) => socket.on('data', (data: Buffer) => channel.count(data.byteLength)));
    onward.once('upgrade', (_, socket) => socket.destroy()); // nobody has asked for it
    onward.once('close', () => {
      if (!response.headersSent) refuse(response); // whatever it was, it was no answer
    });
    onward.once('response', (answer) => {
      endsAlone(answer);
      try {
        response.writeHead(answer.statusCode ?? 0, endToEnd(answer.rawHeaders, []));
        pipeline(answer, response, () => remote.destroy());
      } catch {
        onward.destroy(); // no status that there is, no header, or nobody who still wants it
      }
    });
    request.on('data', (data: Buffer) => channel.count(data.byteLength));
    pipeline(request, onward, () => undefined);
  }

  /** @returns undefined if it may not, or cannot, be reached, which the channel has been told */
  async #reach(channel: EgressChannel, target: Target | undefined): Promise<Socket | undefined> {
    const name = target ? `${target.host}:${target.port}` : '';
    const denied = channel.admit() ?? (target ? undefined : 'malformed');
    if (denied || !target) {
      channel.deny(denied ?? 'malformed', name);
      return undefined;
    }
    try {
      const remote = await this.#dialer.dial(target.host, target.port);
      endsAlone(remote);
      channel.hold(remote);
      return remote.destroyed ? undefined : remote;
    } catch (error) {
      if (error instanceof Denied) channel.deny(error.reason, name, error);
      else channel.missed(name);
      return undefined;
    }
  }

  #channelOf(socket: Socket): EgressChannel {
    const channel = this.#channels.get(socket);
    if (!channel) throw new Error('a connection that nobody has accepted');
    return channel;
  }
}

/** An error is the end of this stream. One that nobody hears is the end of the process. */
function endsAlone(stream: Socket | IncomingMessage | OutgoingMessage): void {
  stream.on('error', () => stream.destroy());
}

function refuse(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(502, { 'Content-Length': 0, Connection: 'close' }).end();
}
