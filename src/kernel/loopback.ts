import type { Server } from 'node:net';

/**
 * Lets a server listen on a free port of the loopback. A connection that it cannot accept later (no descriptor is
 * free) is refused, and no error. @returns the port @throws what kept it from listening
 */
export function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((done, failed) => {
    server.on('error', failed); // heard for good: one that nobody hears ends the process
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      done(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
