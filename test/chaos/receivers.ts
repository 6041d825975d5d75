import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { createCertificate } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import type { MovedClock } from './moved-clock.ts';

type Listening =
  | 'good'
  | 'slow'
  | 'failing'
  | 'busy'
  | 'lying'
  | 'garbage'
  | 'cut off'
  | 'hanging'
  | 'endless'
  | 'redirecting'
  | 'gone'
  | 'silent'
  /** where redirects lead: nothing may come here */
  | 'trap';

/** `dead`: nobody listens there; `untrusted`: its certificate vouches for itself only. */
export type ReceiverKind = Listening | 'dead' | 'untrusted';

/** A request that a receiver has read to its end. */
export interface Got {
  kind: ReceiverKind;
  method: string;
  path: string;
  /** `webhook-id`; empty for an upload */
  id: string;
  body: string;
  headers: IncomingMessage['headers'];
  /** by the moved clock */
  atSeconds: number;
  /** by how much that clock was moved at a time */
  stepSeconds: number;
  /** what it was answered; 0: nothing that is HTTP */
  status: number;
  /** whether the whole answer was sent, and said 2xx */
  isTaken: boolean;
  /** the secrets that sign it, of those that it may be signed with */
  signedBy: string[];
}

/** Seconds for which `failing` answers 500, and those that `busy` asks for. */
const FAILS_FOR_SECONDS = 600;
export const RETRY_AFTER_SECONDS = 600;

interface Exchange {
  response: ServerResponse;
  got: Got;
  /** requests for the same delivery before this one */
  before: number;
  /** answers 2xx */
  take: () => void;
}

type Conduct = (exchange: Exchange, receivers: Receivers) => void;

/** What a receiver does with a request that it has read. */
const CONDUCTS: Record<Listening, Conduct> = {
  good: ({ take }) => take(),
  slow: ({ take }) => void setTimeout(take, 500 + Math.random() * 2_500),
  failing: ({ response, take }, { clock }) => {
    if (clock.seconds >= FAILS_FOR_SECONDS) take();
    else answer(response, 500, {}, 'a fault of ours');
  },
  busy: ({ response, before, take }) => {
    if (before > 0) take();
    else answer(response, 429, { 'retry-after': String(RETRY_AFTER_SECONDS) });
  },
  lying: ({ response, got, before, take }) => {
    if (before > 1) return take();
    got.status = 200;
    response.writeHead(200, { 'content-length': '1000' }).write('thank you');
    setTimeout(() => response.destroy(), 10);
  },
  garbage: ({ response, before, take }) => {
    if (before > 0) take();
    else response.socket?.end(Buffer.from('\u0000\u0001HTTP/9.9 two hundred\r\n\r\n\u00ff', 'latin1'));
  },
  'cut off': ({ response, before, take }) => {
    if (before > 0) take();
    else response.destroy();
  },
  hanging: ({ response, before, take }, { hangMs }) => {
    if (before > 0) take();
    else hang(response, hangMs);
  },
  endless: ({ response, got }) => {
    got.status = 200;
    response.writeHead(200);
    const piece = Buffer.alloc(16_384, 'thank you ');
    const more = () => {
      if (!response.destroyed) response.write(piece, () => setImmediate(more));
    };
    more();
    got.isTaken = true; // a kilobyte of it is all that anybody reads
  },
  redirecting: ({ response }, { urlOf }) =>
    answer(response, [301, 302, 303, 307, 308][Math.floor(Math.random() * 5)] ?? 307, { location: urlOf('trap', '/') }),
  gone: ({ response }) => answer(response, 410, {}, 'gone'),
  silent: ({ response }, { hangMs }) => hang(response, hangMs),
  trap: ({ take }) => take(),
};

/** Those that take a delivery in the end. */
export const TAKING: readonly ReceiverKind[] = [
  'good', 'slow', 'failing', 'busy', 'lying', 'garbage', 'cut off', 'hanging', 'endless',
]; // prettier-ignore

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body = ''): void {
  response.writeHead(status, headers).end(body);
}

/** Answers nothing. @param ms after which the connection is closed; undefined: never */
function hang(response: ServerResponse, ms: number | undefined): void {
  if (ms !== undefined) setTimeout(() => response.destroy(), ms);
}

interface ReceiversOptions {
  clock: MovedClock;
  /** milliseconds for which those that hang do so; undefined: until the sender ends it */
  hangMs: number | undefined;
  /** of a path: what may sign a webhook to it */
  secretsOf: (path: string) => readonly string[];
}

/** One web server for each kind, on the loopback. What they get is kept. */
export class Receivers {
  readonly got: Got[] = [];
  readonly clock: MovedClock;
  readonly hangMs: number | undefined;
  readonly #servers: Server[] = [];
  readonly #ports = new Map<ReceiverKind, number>();
  readonly #before = new Map<string, number>();
  readonly #secretsOf: (path: string) => readonly string[];

  private constructor({ clock, hangMs, secretsOf }: ReceiversOptions) {
    this.clock = clock;
    this.hangMs = hangMs;
    this.#secretsOf = secretsOf;
  }

  static async open(options: ReceiversOptions): Promise<Receivers> {
    const receivers = new Receivers(options);
    for (const [kind, conduct] of Object.entries(CONDUCTS) as [Listening, Conduct][])
      await receivers.#listen(kind, createServer(), conduct);
    const { certificate: cert, key } = createCertificate({ name: '127.0.0.1' });
    await receivers.#listen('untrusted', createSecureServer({ cert, key }), CONDUCTS.trap);
    receivers.#ports.set('dead', await freePort());
    return receivers;
  }

  /** The setting that opens all of them, the trap too. */
  get env(): { EGRESS_ALLOW: string } {
    return { EGRESS_ALLOW: [...this.#ports.values()].map((port) => `127.0.0.1:${port}`).join(',') };
  }

  readonly urlOf = (kind: ReceiverKind, path: string): string =>
    `${kind === 'untrusted' ? 'https' : 'http'}://127.0.0.1:${this.#ports.get(kind)}${path}`;

  close(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  async #listen(kind: ReceiverKind, server: Server, conduct: Conduct): Promise<void> {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      for (const stream of [request, response]) stream.on('error', () => undefined);
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.once('end', () => this.#read(kind, request, response, Buffer.concat(pieces), conduct));
    });
    server.on('clientError', (_, socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#servers.push(server);
    this.#ports.set(kind, (server.address() as AddressInfo).port);
  }

  #read(kind: ReceiverKind, request: IncomingMessage, response: ServerResponse, body: Buffer, conduct: Conduct): void {
    const { method = '', url: path = '', headers } = request;
    const id = String(headers['webhook-id'] ?? '');
    const got: Got = { kind, method, path, id, body: body.toString('latin1'), headers, atSeconds: this.clock.seconds, stepSeconds: this.clock.stepSeconds, status: 0, isTaken: false, signedBy: [] }; // prettier-ignore
    got.signedBy = signers(got, this.#secretsOf(path)); // at once: a signature is good for some minutes
    this.got.push(got);
    const delivery = `${id} ${path}`;
    const before = this.#before.get(delivery) ?? 0;
    this.#before.set(delivery, before + 1);
    response.once('finish', () => {
      got.status = response.statusCode;
      got.isTaken = got.status >= 200 && got.status < 300;
    });
    const take = () => answer(response, Math.random() < 0.5 ? 200 : 204, {});
    conduct({ response, got, before, take }, this);
  }
}

/** Which of the secrets sign it, as the official library finds. */
function signers({ body, headers }: Got, secrets: readonly string[]): string[] {
  const payload = Buffer.from(body, 'latin1').toString();
  return secrets.filter((secret) => {
    try {
      new Webhook(secret).verify(payload, headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  });
}
