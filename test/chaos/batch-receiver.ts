import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook that a receiver was sent. */
export interface GotWebhook {
  /** `webhook-id` */
  id: string;
  body: string;
}

/** Takes every other webhook at once; of the others the first try fails. */
export class BatchReceiver {
  readonly got: GotWebhook[] = [];
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/batches`;
  }

  static async open(): Promise<BatchReceiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new BatchReceiver(server);
    const seen = new Set<string>();
    server.on('request', (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.once('end', () => {
        const id = String(request.headers['webhook-id']);
        receiver.got.push({ id, body: Buffer.concat(pieces).toString() });
        const isRefused = !seen.has(id) && seen.size % 2 === 0;
        seen.add(id);
        response.writeHead(isRefused ? 500 : 204).end();
      });
    });
    return receiver;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
