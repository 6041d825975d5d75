import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut, or go silent as when a cable is pulled. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #isSilent = false;
  #isRefusing = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(port: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (client) => {
      if (proxy.#isRefusing) client.destroy();
      else proxy.#pair(client, connect(port, '127.0.0.1'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Nothing gets through any more, nobody is told. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of [...this.#pairs].flat()) socket.pause();
  }

  /** The same for those that are open now; new ones are let through, as when another host has taken over. */
  strand(): void {
    for (const socket of [...this.#pairs].flat()) socket.pause();
  }

  /** What was held back gets through. */
  resume(): void {
    this.#isSilent = false;
    for (const socket of [...this.#pairs].flat()) socket.resume();
  }

  /** Every connection is closed; new ones are let through. */
  cut(): void {
    for (const socket of [...this.#pairs].flat()) socket.destroy();
  }

  /** Every connection is closed, and so is every new one, until {@link admit}. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  admit(): void {
    this.#isRefusing = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pair(client: Socket, server: Socket): void {
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, pair.toReversed() as [Socket, Socket]]) {
      from.on('data', (data) => void to.write(data));
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#isSilent) from.pause();
    }
  }
}
