import { createServer, type Server, type Socket } from 'node:net';
import { listenOnLoopback } from '../kernel/loopback.ts';
import type { Events } from '../telemetry/events.ts';
import { EgressChannel } from './channel.ts';
import type { EgressProxy } from './proxy.ts';

export interface GatewayOptions {
  proxy: EgressProxy;
  events: Pick<Events, 'egressDenied'>;
}

/** Where the connections of one browser come in, and by which we know the page that each belongs to. */
export interface Gateway {
  /** One more way in, for one page. */
  open(): Promise<EgressChannel>;
  /** Ends what comes through it. */
  close(channel: EgressChannel): void;
  closeAll(): void;
}

/**
 * For a browser in a network of its own, where one server listens: every page is told another address
 * of 127/8, and the address that a connection came in by says whose it is.
 * @param server listens on every address, in a network that has only that browser in it
 */
export function namespaceGateway(server: Server, port: number, { proxy, events }: GatewayOptions): Gateway {
  const channels = new Map<string, EgressChannel>();
  let opened = 0;
  server.on('error', () => undefined); // a connection that could not be accepted is refused, and no more
  server.on('connection', (socket: Socket) => {
    const channel = channels.get(socket.localAddress ?? '');
    if (channel) proxy.accept(socket, channel);
    else socket.destroy();
  });
  const remove = (channel: EgressChannel) => {
    channel.shut();
    channels.delete(new URL(channel.proxyServer).hostname);
  };
  return {
    open: async () => {
      const n = ++opened;
      // From 127.1.0.1 on; 127.0.0.1 is nobody's.
      const address = `127.${1 + ((n >> 16) & 0x7f)}.${(n >> 8) & 0xff}.${n & 0xff}`;
      const channel = new EgressChannel(`http://${address}:${port}`, events);
      channels.set(address, channel);
      return channel;
    },
    close: remove,
    closeAll: () => {
      for (const channel of channels.values()) remove(channel);
      server.close();
    },
  };
}

/** For a browser in our own network: a port of the loopback for each page. */
export function loopbackGateway({ proxy, events }: GatewayOptions): Gateway {
  const servers = new Map<EgressChannel, Server>();
  const remove = (channel: EgressChannel) => {
    channel.shut();
    servers.get(channel)?.close();
    servers.delete(channel);
  };
  return {
    open: async () => {
      const server = createServer();
      const port = await listenOnLoopback(server);
      const channel = new EgressChannel(`http://127.0.0.1:${port}`, events);
      server.on('connection', (socket: Socket) => proxy.accept(socket, channel));
      servers.set(channel, server);
      return channel;
    },
    close: remove,
    closeAll: () => {
      for (const channel of servers.keys()) remove(channel);
    },
  };
}
