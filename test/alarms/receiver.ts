import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server of a user's own that gets webhooks. */
export interface Receiver {
  /** `host:port`, which the service has to allow */
  authority: string;
  /** from now on; at first it answers 204 at once */
  will(what: 'fail' | 'answer late'): void;
  close(): void;
}

/** Milliseconds: less than a receiver has. */
const LATE_MS = 8_000;

export async function openReceiver(): Promise<Receiver> {
  let does: 'well' | 'fail' | 'answer late' = 'well';
  const server = createServer((request, response) => {
    for (const stream of [request, response]) stream.on('error', () => undefined);
    request.resume().once('end', () => {
      const answer = () => void response.writeHead(does === 'fail' ? 500 : 204).end();
      if (does === 'answer late') void sleep(LATE_MS).then(answer);
      else answer();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    authority: `127.0.0.1:${port}`,
    will: (what) => void (does = what),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
