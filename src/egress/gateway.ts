import { createServer, type Server, type Socket } from 'node:net';
import { listenOnLoopback } from '../kernel/loopback.ts';
import type { Events } from '../telemetry/events.ts';
import { EgressChannel } from './channel.ts';
import type { EgressProxy } from './proxy.ts';

export interface GatewayOptions {
  proxy: EgressProxy;
  events: Pick<Events, 'egressDenied'>;
}

/** Accepts the connections of one browser and knows which page each belongs to. */
export interface Gateway {
  /** A new channel, for one page. */
  open(): Promise<EgressChannel>;
  close(channel: EgressChannel): void;
  closeAll(): void;
}

/**
 * For a browser in its own network namespace, where one server listens: each page uses a different address of 127/8
 * as its proxy, so the local address of a connection identifies the page.
 * @param server listens on all addresses of a namespace that contains only this browser
 */
export function namespaceGateway(server: Server, port: number, { proxy, events }: GatewayOptions): Gateway {
  const channels = new Map<string, EgressChannel>();
  let opened = 0;
  server.on('error', () => undefined); // a failed accept refuses that connection only
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
      // Starts at 127.1.0.1: no page uses 127.0.0.1.
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

/** For a browser in our own network: one loopback port per page. */
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
