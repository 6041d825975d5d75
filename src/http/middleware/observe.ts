import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { v7 as uuidv7 } from 'uuid';
import type { Events } from '../../telemetry/events.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import type { Principal } from '../../accounts/principals.ts';
import { ERROR_CODES } from '../../kernel/errors.ts';
import { aboutOf, type AppContext, type AppEnv } from '../route.ts';
import { Span } from '../../telemetry/span.ts';

/** Sets the request's id (the caller's, if valid) and its span, and logs and counts the answer. */
export function observe(events: Events, tracing: Tracing): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startedAt = performance.now();
    const given = c.req.header('x-request-id');
    const requestId = given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : uuidv7();
    c.set('requestId', requestId);
    c.set('span', /^\/(?:v1|forms)\//.test(c.req.path) ? beginSpan(c, tracing) : new Span()); // probes would hide the other traces
    await next();
    c.header('X-Request-Id', requestId);
    const principal = c.var.principal as Principal | undefined; // undefined if the request was refused before authentication
    const route = routeOf(c);
    const status = reportedStatus(c);
    endSpan(c, { route, status, principal });
    // With ?wait the time is mostly the document's: it is counted as a separate route.
    const isWaiting = route !== 'unknown' && c.req.query('wait') !== undefined;
    events.requestAnswered({
      ...aboutOf(c),
      method: c.req.method,
      route: isWaiting ? `${route}?wait` : route,
      status,
      ms: Math.round(performance.now() - startedAt),
      userId: principal?.userId,
      tier: principal?.tier.name,
    });
  };
}

/**
 * The status of the answer; 499 if the client closed the connection before it, which is not an error of the
 * service unless the status was 5xx.
 */
function reportedStatus(c: AppContext): number {
  const { status } = c.res;
  return status < 500 && c.env.incoming.socket.destroyed ? ERROR_CODES.client_closed_request.status : status;
}

/** The path pattern, as in the OpenAPI document. */
function routeOf(c: AppContext): string {
  const route = routePath(c, -1).replaceAll(/:(\w+)/g, '{$1}');
  return route.includes('*') ? 'unknown' : route;
}

function beginSpan(c: AppContext, tracing: Tracing) {
  return tracing.begin(c.req.method, {
    kind: 'server',
    parent: c.req.header('traceparent'),
    attributes: {
      'http.request.method': c.req.method,
      'url.scheme': 'http',
      'pdfprompt.request.id': c.var.requestId,
    },
  });
}

/** Named as in OpenTelemetry's semantic conventions. Paths of unknown routes, and of links, hold secrets: left out. */
function endSpan(
  c: AppContext,
  { route, status, principal }: { route: string; status: number; principal: Principal | undefined },
): void {
  const { span } = c.var;
  if (route !== 'unknown') {
    span.rename(`${c.req.method} ${route}`);
    span.set({ 'http.route': route, 'url.path': route.endsWith('/{token}') ? route : c.req.path });
  }
  span.set({
    'http.response.status_code': status,
    ...(principal && { 'pdfprompt.user.id': principal.userId, 'pdfprompt.tier': principal.tier.name }),
  });
  span.end({ error: status >= 500 ? String(status) : undefined });
}
