import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { parseEgressRule } from '../../src/config/egress-rule.ts';
import type { EgressChannel } from '../../src/egress/channel.ts';
import { Dialer } from '../../src/egress/dialer.ts';
import { type Gateway, loopbackGateway } from '../../src/egress/gateway.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { EgressProxy } from '../../src/egress/proxy.ts';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';
import { eventually } from '../support/processes.ts';
import { type Exchange, generateExchange, type Speech } from './generate.ts';

/** Turns of the event loop without a word from anybody, after which an exchange is over. Not milliseconds: a busy machine needs more. */
const QUIET_TURNS = 20;
/** Exchanges at a time. */
const SLOTS = 96;

export interface ProxyFuzzOptions {
  seed: number;
  /** numbers of the exchanges */
  from: number;
  to: number;
  onDone?: (done: number) => void;
}

/** The real proxy between hostile browsers and hostile servers, over real sockets, in this process. */
export class ProxyFuzz {
  readonly #slots: Slot[] = [];
  readonly #gateway: Gateway;

  private constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  static async open(): Promise<ProxyFuzz> {
    const slots = await Promise.all(Array.from({ length: SLOTS }, () => Slot.open()));
    const rules = slots.flatMap(({ port }) => parseEgressRule(`127.0.0.1:${port}`) ?? []);
    const dialer = new Dialer({ policy: new EgressPolicy({ policy: 'none', rules }) });
    const gateway = loopbackGateway({
      proxy: new EgressProxy(dialer),
      events: { egressDenied: () => undefined },
    });
    const fuzz = new ProxyFuzz(gateway);
    for (const slot of slots) {
      slot.channel = await gateway.open();
      fuzz.#slots.push(slot);
    }
    return fuzz;
  }

  /** Exchanges that are under way: whatever goes wrong, it is one of these. */
  get current(): number[] {
    return this.#slots.flatMap(({ number }) => number ?? []);
  }

  async run({ seed, from, to, onDone = () => undefined }: ProxyFuzzOptions): Promise<void> {
    let next = from;
    await Promise.all(
      this.#slots.map(async (slot) => {
        while (next < to) {
          await slot.exchange(seed, next++);
          onDone(next - from);
        }
      }),
    );
  }

  /** Statuses of one proper request through each channel. */
  async proper(): Promise<string[]> {
    return Promise.all(this.#slots.map((slot) => slot.proper()));
  }

  /** @throws if connections are left */
  async close(): Promise<void> {
    this.#gateway.closeAll();
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }
}

/** One way through the proxy, and the server at its end. */
class Slot {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #quiet = 0;
  channel!: EgressChannel;
  number: number | undefined;
  #exchange: Exchange | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket: Socket) => this.#serve(socket));
  }

  static async open(): Promise<Slot> {
    const server = createServer();
    return new Slot(server, await listenOnLoopback(server));
  }

  get #origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async exchange(seed: number, number: number): Promise<void> {
    this.number = number;
    this.#exchange = generateExchange(seed, number, this.#origin);
    await this.#ask(this.#exchange.request);
    this.channel.shut();
    this.number = undefined;
  }

  async proper(): Promise<string> {
    this.#exchange = {
      request: { pieces: [Buffer.from(`GET ${this.#origin}/ HTTP/1.1\r\nHost: x\r\n\r\n`)], ends: 'stay' },
      answer: { pieces: [Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')], ends: 'end' },
    }; // prettier-ignore
    const said = await this.#ask(this.#exchange.request, { until: 'ok' });
    this.channel.shut();
    return `${said.slice(0, 15)} … ${said.slice(-2)}`;
  }

  /** @param until the end of the answer, which is waited for half a minute @returns the beginning of what came back */
  async #ask(request: Speech, { until }: { until?: string } = {}): Promise<string> {
    this.channel.open({ userId: 'fuzz', maxConnections: 100, maxBytes: 1e9 });
    const { hostname: host, port } = new URL(this.channel.proxyServer);
    const socket = connect({ host, port: Number(port) });
    const closed = new Promise((done) => socket.once('close', done));
    let said = '';
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      this.#quiet = 0;
      if (said.length < 1_000) said += data.toString('latin1');
    });
    await speak(socket, request);
    if (until === undefined)
      for (this.#quiet = 0; !socket.closed && this.#quiet < QUIET_TURNS; this.#quiet++) await turn();
    else await eventually(() => said.endsWith(until), 30_000, 'a proper request is answered');
    socket.destroy();
    await closed;
    return said;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    this.#quiet = 0;
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const answer = this.#exchange?.answer;
    socket.once('data', () => void (answer && speak(socket, answer)));
    socket.on('data', () => (this.#quiet = 0));
  }

  async close(): Promise<void> {
    this.#server.close();
    await eventually(() => this.#sockets.size === 0, 30_000, 'no connection to a server is left');
  }
}

async function speak(socket: Socket, { pieces, ends }: Speech): Promise<void> {
  for (const piece of pieces) {
    if (!socket.writable) return;
    socket.write(piece);
    await turn();
  }
  if (ends === 'end') socket.end();
  if (ends === 'reset') socket.resetAndDestroy();
}
