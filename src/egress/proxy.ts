import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { EgressChannel } from './channel.ts';
import { Denied, type Dialer } from './dialer.ts';

/** Bytes. Some sites send many cookies. */
const MAX_HEADER_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;

/** Whatever the reason is: who asks must not learn what there is in our network. */
const UNREACHABLE = 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** Headers of one connection, not of the message (RFC 9110, section 7.6.1), and of proxies. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * An HTTP proxy (RFC 9112: CONNECT, and requests in absolute form) that connects only where its dialer
 * does. It listens nowhere: connections are given to it, each with the channel that it came through.
 */
export class EgressProxy {
  readonly #dialer: Dialer;
  readonly #server: Server;
  readonly #channels = new WeakMap<Socket, EgressChannel>();

  constructor(dialer: Dialer) {
    this.#dialer = dialer;
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS });
    this.#server.on('connect', (request, socket: Socket, head) => void this.#tunnel(request, socket, head));
    this.#server.on('request', (request, response) => void this.#forward(request, response));
    this.#server.on('clientError', (_, socket) => socket.destroy());
  }

  /** A connection of a browser. */
  accept(socket: Socket, channel: EgressChannel): void {
    this.#channels.set(socket, channel);
    socket.on('error', () => socket.destroy());
    this.#server.emit('connection', socket);
  }

  async #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const channel = this.#channelOf(socket);
    const target = authority(request.url ?? '');
    socket.pause();
    const remote = await this.#reach(channel, target);
    if (!remote) {
      socket.end(UNREACHABLE);
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
    const channel = this.#channelOf(request.socket);
    const fail = () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { 'Content-Length': 0, Connection: 'close' }).end();
    };
    const url = absoluteHttpUrl(request.url ?? '');
    const remote = await this.#reach(channel, url && { host: url.hostname, port: Number(url.port || 80) });
    if (!url || !remote) {
      fail();
      return;
    }
    channel.hold(request.socket);
    const onward = httpRequest({
      createConnection: () => remote,
      method: request.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: [...endToEnd(request.rawHeaders, ['host']), 'Host', url.host, 'Connection', 'close'],
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    onward.once('error', fail);
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.rawHeaders, []));
      answer.on('data', (data: Buffer) => channel.count(data.byteLength));
      pipeline(answer, response, () => remote.destroy());
    });
    response.once('close', () => remote.destroy());
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
      remote.on('error', () => remote.destroy());
      channel.hold(remote);
      return remote.destroyed ? undefined : remote;
    } catch (error) {
      if (error instanceof Denied) channel.deny(error.reason, name);
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

interface Target {
  /** as `URL.hostname` */
  host: string;
  port: number;
}

/** `host:port` of a CONNECT, read as the browser would. */
function authority(text: string): Target | undefined {
  const [, host, port] = /^([^/?#\\@\s]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || !URL.canParse(`http://${host}/`)) return undefined;
  const { hostname } = new URL(`http://${host}/`);
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host: hostname, port: Number(port) } : undefined;
}

function absoluteHttpUrl(text: string): URL | undefined {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

/** Without what is of one connection. Flat lists of names and values, as Node has them. */
function endToEnd(rawHeaders: string[], without: string[]): string[] {
  const dropped = new Set([...HOP_BY_HOP, ...without]);
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  );
  for (const [name, value] of pairs)
    if (name.toLowerCase() === 'connection')
      for (const named of value.toLowerCase().split(/\s*,\s*/)) dropped.add(named);
  return pairs.flatMap(([name, value]) => (dropped.has(name.toLowerCase()) ? [] : [name, value]));
}
