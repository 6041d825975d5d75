import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { AppEnv } from '../route.ts';

/** What a script may send beside what any page may. */
const SENT = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'If-Range',
  'Last-Event-ID',
  'Prefer',
  'Range',
  'traceparent',
];

/** What it may read of an answer. */
const READ = [
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Length',
  'Content-Location',
  'Content-Range',
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Failed-Resources',
  'X-Incomplete',
  'X-Job-Id',
  'X-Request-Id',
];

/** Seconds for which a browser need not ask again. */
const MAX_AGE = 600;

/**
 * Lets scripts of these origins call the API (CORS). They send a key: cookies are not allowed, so nobody's session is
 * at stake.
 */
export function allowOrigins(origins: readonly string[]): MiddlewareHandler<AppEnv> {
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowHeaders: SENT,
    exposeHeaders: READ,
    maxAge: MAX_AGE,
  });
}
