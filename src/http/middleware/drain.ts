import type { IncomingMessage } from 'node:http';
import type { MiddlewareHandler } from 'hono';
import type { Principal } from '../../accounts/principals.ts';
import { LARGE_BODY_BYTES } from '../under-way.ts';
import type { AppEnv } from '../route.ts';

/** Milliseconds and bytes that are spent on the rest of a refused body, at most; then its connection is closed. */
const DRAIN_MS = 20_000;
const DRAIN_BYTES = 256 * 1024 * 1024;

/**
 * Many clients read the answer only after they have sent the whole body; a connection that closes earlier loses the
 * answer. So the rest of a refused large body is read and discarded before the answer is sent.
 */
export function drain(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    if (c.res.status < 400 || !isLarge(c.env.incoming)) return;
    const principal = c.var.principal as Principal | undefined; // undefined if the request was refused before authentication
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
