import { CodedError } from '../../kernel/errors.ts';
import type { Health, HealthCheck } from '../../kernel/health.ts';
import { problemResponse } from '../problem.ts';
import { type PublicRoute, publicRoute } from '../route.ts';

/** Probes, without a key. A failing one answers 503 with its `checks`. */
export function healthRoutes(health: Health): PublicRoute[] {
  return [
    probe('/livez', 'ok', () => health.liveness()),
    probe('/readyz', 'ready', () => health.readiness()),
    probe('/startupz', 'started', () => health.startup()),
  ];
}

function probe(path: `/${string}`, status: string, checks: () => HealthCheck[]): PublicRoute {
  return publicRoute(path, async (c) => {
    const now = checks();
    const failing = now.filter((check) => check.status === 'failing');
    if (failing.length === 0) return c.json({ status, checks: now }, 200, { 'Cache-Control': 'no-store' });
    const error = new CodedError('unavailable', failing.map(({ reason }) => reason).join('; '), {
      retryAfterSeconds: 1,
    });
    return problemResponse(error, c.var.requestId ?? '', { checks: now });
  });
}
