import type { Server } from 'node:net';

/** Lets a server listen on a free port of the loopback. @returns the port @throws what kept it from it */
export function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      done(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
