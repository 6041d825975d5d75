import { createServer } from 'node:net';
import { listenOnLoopback } from '../../src/kernel/loopback.ts';

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  await new Promise((done) => server.close(done));
  return port;
}
