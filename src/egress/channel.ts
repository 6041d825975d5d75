import type { Socket } from 'node:net';
import type { Events } from '../telemetry/events.ts';
import type { DenialReason } from './policy.ts';
import type { ServedOrigin } from './served-origin.ts';

/** A document, and what it may use up on its way out. */
export interface EgressUse {
  userId: string;
  /** none outside of the queue */
  jobId?: string | undefined;
  /** connections that its tunnels and requests make, at most */
  maxConnections: number;
  /** bytes in both directions together, at most */
  maxBytes: number;
  /** answered by the proxy itself */
  serves?: ServedOrigin | undefined;
}

/** Forbidden, or not there: which of them is told only where the address itself says it. */
export interface Unreachable {
  denied: DenialReason | undefined;
}

/** Log lines of denials for one document; the metric counts them all. */
const MAX_LOGGED = 10;

/**
 * The one way out of one page: closed, but for the time in which a document is rendered there. What one
 * document has begun ends with it.
 */
export class EgressChannel {
  readonly #events: Pick<Events, 'egressDenied'>;
  readonly #sockets = new Set<Socket>();
  /** by `host:port`: why, if that may be told */
  readonly #unreachable = new Map<string, DenialReason | undefined>();
  #use: EgressUse | undefined;
  #connections = 0;
  #bytes = 0;
  #logged = 0;
  /** what the browser is told: `http://address:port` */
  readonly proxyServer: string;

  constructor(proxyServer: string, events: Pick<Events, 'egressDenied'>) {
    this.proxyServer = proxyServer;
    this.#events = events;
  }

  /** of the document of now, if it has one */
  get jobId(): string | undefined {
    return this.#use?.jobId;
  }

  /** What is answered without a server, for the document of now. */
  get serves(): ServedOrigin | undefined {
    return this.#use?.serves;
  }

  /** For one document. */
  open(use: EgressUse): void {
    this.shut();
    this.#use = use;
    this.#unreachable.clear();
    this.#connections = this.#bytes = this.#logged = 0;
  }

  /** Ends every connection, and lets none through until it is opened again. */
  shut(): void {
    this.#use = undefined;
    this.#endConnections();
  }

  /** What the document of now, or the last one, could not reach; undefined if it did, or never tried. */
  unreachable(url: string): Unreachable | undefined {
    if (!URL.canParse(url)) return undefined;
    const { protocol, hostname, port } = new URL(url);
    const authority = `${hostname}:${port === '' ? (/^(?:http|ws):$/.test(protocol) ? 80 : 443) : port}`;
    return this.#unreachable.has(authority) ? { denied: this.#unreachable.get(authority) } : undefined;
  }

  /** Counts one more connection. @returns why there may be none, if so */
  admit(): DenialReason | undefined {
    if (!this.#use) return 'idle';
    this.#connections++;
    return this.#connections > this.#use.maxConnections || this.#bytes > this.#use.maxBytes ? 'budget' : undefined;
  }

  /** A connection that ends with the document, and with its budget. */
  hold(socket: Socket): void {
    if (!this.#use) {
      socket.destroy();
      return;
    }
    if (this.#sockets.has(socket)) return; // the browser's, for one more request
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Counts bytes of the document's; all its connections end when there are too many. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#use || this.#bytes <= this.#use.maxBytes || this.#sockets.size === 0) return;
    this.#endConnections();
    this.deny('budget', '');
  }

  #endConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /**
   * @param authority `host:port`, as far as it is known
   * @param isEvident the text of the address says so, and nothing that was found out
   */
  deny(reason: DenialReason, authority: string, { isEvident = false } = {}): void {
    this.#unreachable.set(authority, isEvident ? reason : undefined);
    if (!this.#use) return; // what a document leaves behind is no event
    const { userId, jobId } = this.#use;
    this.#events.egressDenied({ reason, authority, userId, jobId, isLogged: this.#logged++ < MAX_LOGGED });
  }

  /** Nobody forbade it, but nobody answered either. */
  missed(authority: string): void {
    this.#unreachable.set(authority, undefined);
  }
}
