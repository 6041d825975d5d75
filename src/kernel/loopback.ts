import type { Server } from 'node:net';

/** Lets a server listen on a free port of the loopback interface. @returns the port @throws the error if it cannot listen */
export function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((done, failed) => {
    server.on('error', failed); // stays: a later error, such as no free descriptor, must not end the process
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      done(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

/** Whether a URL is of this machine itself. */
export const isLoopbackUrl = (url: string) => /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
