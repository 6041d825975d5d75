import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { AppContext, AppEnv } from '../../route.ts';

/** The header with the caller's id of a request. */
const TRACE = 'Gotenberg-Trace';

/** The id of a request: the caller's, or one of our own. The same for the whole request. */
export function traceOf(c: AppContext): string {
  const given = c.req.header(TRACE) ?? '';
  if (/^[\x20-\x7e]{1,500}$/.test(given)) return given;
  const known = made.get(c.req.raw) ?? randomUUID();
  made.set(c.req.raw, known);
  return known;
}

const made = new WeakMap<Request, string>();

/** Every answer has the id of its request. */
export function nameTrace(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    c.header(TRACE, traceOf(c));
  };
}
