import { Hono } from 'hono';
import type { Health } from '../kernel/health.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { secure } from './middleware/secure.ts';
import { problemResponse, toCodedError } from './problem.ts';
import type { AppEnv } from './route.ts';
import { healthRoutes } from './routes/health.ts';

interface OpsDeps {
  health: Health;
  metrics: Metrics;
}

/** Probes and metrics, on a separate port that is not public. */
export function createOpsApp(deps: OpsDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(secure());
  for (const { endpoint, handle } of healthRoutes(deps.health)) app.get(endpoint.replace('GET ', ''), handle);
  app.get('/metrics', async (c) => {
    const { body, contentType } = await deps.metrics.text();
    return c.body(body, 200, { 'Content-Type': contentType });
  });
  app.onError((error, c) => problemResponse(toCodedError(error), c.req.header('x-request-id') ?? ''));
  return app;
}
