import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface Site {
  /** `http://127.0.0.1:port` */
  origin: string;
  /** the setting that opens it to documents, and nothing beside it */
  env: { EGRESS_ALLOW: string };
  server: Server;
}

/** A web server of the test's own on the loopback, until the file's tests are over. */
export async function startSite(handler: RequestListener): Promise<Site> {
  const server = createServer(handler);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, env: { EGRESS_ALLOW: `127.0.0.1:${port}` }, server };
}
