import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { v7 as uuidv7 } from 'uuid';
import type { Events } from '../../telemetry/events.ts';
import type { AppEnv } from '../route.ts';

/** Gives each request an id (or keeps the caller's), and reports how it was answered. */
export function observe(events: Events): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAt = performance.now();
    const given = c.req.header('x-request-id');
    const requestId = given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : uuidv7();
    c.set('requestId', requestId);
    await next();
    c.header('X-Request-Id', requestId);
    events.requestAnswered({
      requestId,
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      ms: Math.round(performance.now() - startedAt),
      userId: (c.var.principal as { userId: string } | undefined)?.userId,
    });
  };
}
