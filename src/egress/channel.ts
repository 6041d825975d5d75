import type { Socket } from 'node:net';
import type { Events } from '../telemetry/events.ts';
import type { DenialReason } from './policy.ts';
import type { ServedOrigin } from './served-origin.ts';

/** The document that uses a channel, and its limits. */
export interface EgressUse {
  userId: string;
  /** undefined for documents that did not come through the queue */
  jobId?: string | undefined;
  /** most connections, counted over tunnels and requests */
  maxConnections: number;
  /** most bytes, in both directions together */
  maxBytes: number;
  /** the document's own origin, which the proxy answers itself */
  serves?: ServedOrigin | undefined;
  /** nothing but that origin can be reached, and nothing is reported as denied */
  isOwnOnly?: boolean;
}

/** A destination that could not be reached. */
export interface Unreachable {
  /** the policy's reason, if the address alone shows it; undefined otherwise, so that nothing about our network leaks */
  denied: DenialReason | undefined;
}

/** Most log lines about denials for one document; the metric counts all denials. */
const MAX_LOGGED = 10;

/**
 * The only network access of one page. It is open only while a document is rendered there; when the document is done,
 * all its connections end.
 */
export class EgressChannel {
  readonly #events: Pick<Events, 'egressDenied'>;
  readonly #sockets = new Set<Socket>();
  /** by `host:port`: the reason, if it may be shown to the tenant */
  readonly #unreachable = new Map<string, DenialReason | undefined>();
  #use: EgressUse | undefined;
  #connections = 0;
  #bytes = 0;
  #logged = 0;
  /** the proxy address for this page: `http://address:port` */
  readonly proxyServer: string;

  constructor(proxyServer: string, events: Pick<Events, 'egressDenied'>) {
    this.proxyServer = proxyServer;
    this.#events = events;
  }

  /** undefined while no document is being rendered */
  get use(): EgressUse | undefined {
    return this.#use;
  }

  /** Starts the use by a document. */
  open(use: EgressUse): void {
    this.shut();
    this.#use = use;
    this.#unreachable.clear();
    this.#connections = this.#bytes = this.#logged = 0;
  }

  /** Ends all connections, and refuses new ones until the next {@link open}. */
  shut(): void {
    this.#use = undefined;
    this.dropConnections();
  }

  /** Whether the current or the last document failed to reach this URL; undefined if it did not fail or never tried. */
  unreachable(url: string): Unreachable | undefined {
    if (!URL.canParse(url)) return undefined;
    const { protocol, hostname, port } = new URL(url);
    const authority = `${hostname}:${port === '' ? (/^(?:http|ws):$/.test(protocol) ? 80 : 443) : port}`;
    return this.#unreachable.has(authority) ? { denied: this.#unreachable.get(authority) } : undefined;
  }

  /** Counts one more connection. @returns why it is denied; undefined if it is allowed */
  admit(): DenialReason | undefined {
    if (!this.#use) return 'idle';
    this.#connections++;
    return this.#connections > this.#use.maxConnections || this.#bytes > this.#use.maxBytes ? 'budget' : undefined;
  }

  /** Registers a connection, to end it with the document or when the budget is used up. */
  track(socket: Socket): void {
    if (!this.#use) {
      socket.destroy();
      return;
    }
    if (this.#sockets.has(socket)) return; // a connection of the browser that carries another request
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Counts transferred bytes; beyond the document's limit all its connections end. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#use || this.#bytes <= this.#use.maxBytes || this.#sockets.size === 0) return;
    this.dropConnections();
    this.deny('budget', '');
  }

  /** Ends all connections. The document may make new ones. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /**
   * Records that the policy denied a connection.
   * @param authority `host:port`, or as much of it as is known
   * @param isEvident whether the text of the address alone shows the reason
   */
  deny(reason: DenialReason, authority: string, { isEvident = false } = {}): void {
    this.#unreachable.set(authority, isEvident ? reason : undefined);
    if (!this.#use || this.#use.isOwnOnly) return; // left over from a document that is done, or printed again elsewhere
    const { userId, jobId } = this.#use;
    this.#events.egressDenied({ reason, authority, userId, jobId, isLogged: this.#logged++ < MAX_LOGGED });
  }

  /** Records that the policy allowed a connection but it failed. */
  failed(authority: string): void {
    this.#unreachable.set(authority, undefined);
  }
}
