import { createServer, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './processes.ts';

interface Balancer {
  address: string;
  close: () => Promise<void>;
}

/** As any load balancer: asks each instance whether it is ready, and sends requests only to those that are. */
export async function openBalancer(addresses: () => string[]): Promise<Balancer> {
  let ready: string[] = [];
  let turn = 0;
  let isOver = false;
  const check = async () => {
    while (!isOver) {
      const answers = await Promise.all(
        addresses().map(async (address) => {
          const isReady = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
            (response) => response.ok,
            () => false,
          );
          return isReady ? [address] : [];
        }),
      );
      ready = answers.flat();
      await sleep(200);
    }
  };
  const checking = check();
  const server = createServer((incoming, outgoing) => {
    const target = ready[turn++ % Math.max(1, ready.length)];
    const options = { method: incoming.method, headers: { ...incoming.headers, connection: 'close' } };
    const forwarded = send(`${target}${incoming.url}`, options, (response: IncomingMessage) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forwarded.once('error', (error) => outgoing.writeHead(502).end(String(error)));
    incoming.pipe(forwarded);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  await eventually(() => ready.length > 0, 30_000, 'an instance is ready');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      isOver = true;
      await checking;
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
