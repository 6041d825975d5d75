import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { v7 as uuidv7 } from 'uuid';
import type { Events } from '../../telemetry/events.ts';
import type { Principal } from '../../accounts/principals.ts';
import type { AppContext, AppEnv } from '../route.ts';

/** Gives each request an id (or keeps the caller's), and reports how it was answered. */
export function observe(events: Events): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAt = performance.now();
    const given = c.req.header('x-request-id');
    const requestId = given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : uuidv7();
    c.set('requestId', requestId);
    await next();
    c.header('X-Request-Id', requestId);
    const principal = c.var.principal as Principal | undefined; // none if it was refused before
    events.requestAnswered({
      requestId,
      method: c.req.method,
      route: routeOf(c),
      status: c.res.status,
      ms: Math.round(performance.now() - startedAt),
      userId: principal?.userId,
      tier: principal?.tier.name,
    });
  };
}

/** As the OpenAPI document has it. Asked to wait, it tells of the document's time and not of ours: then it is another route. */
function routeOf(c: AppContext): string {
  const route = routePath(c, -1).replaceAll(/:(\w+)/g, '{$1}');
  if (route.includes('*')) return 'unknown';
  return c.req.query('wait') === undefined ? route : `${route}?wait`;
}
