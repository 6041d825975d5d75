import type { IncomingMessage } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import type { Principal } from '../../accounts/principals.ts';
import { LARGE_BODY_BYTES } from '../under-way.ts';
import type { AppEnv } from '../route.ts';

/** Milliseconds and bytes that are read of a body that nobody wants; then its connection is closed. */
const DRAIN_MS = 20_000;
const DRAIN_BYTES = 256 * 1024 * 1024;

/**
 * Whoever is refused must be able to read why. Many clients read nothing before they have sent everything, and
 * a connection that is closed meanwhile takes the answer along: what is left of a large body is thrown away as
 * it comes, before the answer.
 */
export function drain(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    if (c.res.status < 400 || !isLarge(c.env.incoming)) return;
    const principal = c.var.principal as Principal | undefined; // none if it was refused before
    await c.var.underWay.draining(principal?.userId ?? '', () => discard(c.env.incoming));
  };
}

function isLarge({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? 0) > LARGE_BODY_BYTES || headers['transfer-encoding'] !== undefined;
}

async function discard(incoming: IncomingMessage): Promise<void> {
  if (incoming.readableEnded || incoming.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, DRAIN_MS);
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > DRAIN_BYTES) resolve();
  });
  for (const event of ['end', 'error', 'close']) incoming.once(event, () => resolve());
  await promise;
  clearTimeout(timer);
}
