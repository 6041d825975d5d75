import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import { freePortAfter, portOwner } from '../kernel/port-owner.ts';
import type { AppEnv } from './route.ts';

interface HttpServerOptions {
  app: Hono<AppEnv>;
  host: string;
  /** 0: any free port */
  port: number;
  /** the setting that the port comes from, for messages */
  name?: 'PORT' | 'OPS_PORT';
  /** connections at a time; further ones are closed at once */
  maxConnections: number;
  /** milliseconds that a stop waits for running requests */
  graceMs: number;
}

/** Milliseconds after which a connection is closed: while headers arrive, while a request arrives, between requests. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** Listens; a stop lets running requests finish. */
export class HttpServer extends Lifecycle<HttpServerOptions> {
  #server: Server | undefined;
  #url = '';

  /** `http://host:port`; empty before the start. */
  get url(): string {
    return this.#url;
  }

  protected async onStart(): Promise<void> {
    const { app, host, port, name = 'PORT', maxConnections } = this.options;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const server = serve(
      {
        // Node accepts Host headers that are not valid hosts (`1.2.3.4.5`). The app can parse every URL it gets.
        fetch: (request, env) =>
          URL.canParse(request.url) ? app.fetch(request, env) : new Response(null, { status: 400 }),
        hostname: host,
        port,
        overrideGlobalObjects: false,
        serverOptions: {
          headersTimeout: HEADERS_TIMEOUT_MS,
          requestTimeout: REQUEST_TIMEOUT_MS,
          keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        },
      },
      (info) => resolve(info.port),
    ) as Server;
    // The listener stays: a later error (no free file descriptor for a connection) must not end the process.
    server.on('error', reject);
    server.maxConnections = maxConnections;
    this.#server = server;
    const boundPort = await promise.catch(async (error: Error) => {
      throw await listenError(error, { host, port, name });
    });
    const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
    this.#url = `http://${shown}:${boundPort}`;
  }

  protected override async onStop(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise((done) => server.close(done));
    server.closeIdleConnections();
    // Keep-alive connections become idle one by one, as their requests end.
    const sweep = setInterval(() => server.closeIdleConnections(), 100);
    const cutOff = setTimeout(() => server.closeAllConnections(), this.options.graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cutOff);
  }
}

async function listenError(
  cause: Error,
  { host, port, name }: { host: string; port: number; name: string },
): Promise<Error> {
  const flag = `--${name.toLowerCase().replace('_', '-')}`;
  const noAddress = `HOST: ${host} is not an address of this machine; choose another with --host or HOST`;
  if (systemCodeOf(cause) === 'EADDRINUSE') {
    const [owner, next] = await Promise.all([portOwner(port), freePortAfter(port, host)]);
    const taken = `${name}: ${port} on ${host} is taken by ${owner ?? 'another program'}`;
    const choice = next === undefined ? `choose another with ${flag}` : `type ${flag} ${next}`;
    return new OperatorError(`${taken}; ${choice}, or set ${name}`, { cause });
  }
  const messages: Record<string, string> = {
    EACCES: `${name}: ${port} needs privileges this process does not have; choose one above 1023 with ${flag} or ${name}`,
    EADDRNOTAVAIL: noAddress,
    ENOTFOUND: noAddress,
  };
  const message = messages[systemCodeOf(cause) ?? ''];
  return message === undefined ? cause : new OperatorError(message, { cause });
}
