import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { OperatorError, systemCodeOf } from '../kernel/errors.ts';
import { Lifecycle } from '../kernel/lifecycle.ts';
import type { AppEnv } from './route.ts';

interface HttpServerOptions {
  app: Hono<AppEnv>;
  host: string;
  /** 0 takes a free one */
  port: number;
  /** the setting that the port comes from */
  name?: 'PORT' | 'OPS_PORT';
  /** connections at a time; more are closed at once */
  maxConnections: number;
  /** milliseconds that running requests get at a stop */
  graceMs: number;
}

/** Slow senders lose their connection: milliseconds for the headers, for the whole request, between two requests. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** The HTTP server's life: listens, and at a stop lets running requests finish. */
export class HttpServer extends Lifecycle {
  readonly #options: HttpServerOptions;
  #server: Server | undefined;
  #url = '';

  constructor(options: HttpServerOptions) {
    super();
    this.#options = options;
  }

  /** `http://host:port`, once started. */
  get url(): string {
    return this.#url;
  }

  protected async onStart(): Promise<void> {
    const { app, host, port, name = 'PORT', maxConnections } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const server = serve(
      {
        // What Node takes for a host need not be one (`1.2.3.4.5`); behind this line every address can be read.
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
    // For good: a connection that cannot be accepted later (no descriptor is free) is no end of the process.
    server.on('error', (error) => reject(listenError(error, { host, port, name })));
    server.maxConnections = maxConnections;
    this.#server = server;
    const boundPort = await promise;
    const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
    this.#url = `http://${shown}:${boundPort}`;
  }

  protected async onStop(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise((done) => server.close(done));
    server.closeIdleConnections();
    // A keep-alive connection whose request ends meanwhile is idle from then on.
    const sweep = setInterval(() => server.closeIdleConnections(), 100);
    const cutOff = setTimeout(() => server.closeAllConnections(), this.#options.graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(cutOff);
  }
}

function listenError(
  error: Error,
  { host, port, name }: Required<Pick<HttpServerOptions, 'host' | 'port' | 'name'>>,
): Error {
  const flag = `--${name.toLowerCase().replace('_', '-')}`;
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return new OperatorError(
        `${name}: ${port} on ${host} is taken by another program; choose another with ${flag} or ${name}`,
        { cause: error },
      );
    case 'EACCES':
      return new OperatorError(
        `${name}: ${port} needs privileges this process does not have; choose one above 1023 with ${flag} or ${name}`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new OperatorError(`HOST: ${host} is no address of this machine; choose another with --host or HOST`, {
        cause: error,
      });
    case undefined:
    default:
      return error;
  }
}
