import type { Hono, MiddlewareHandler } from 'hono';
import type { Health } from '../../../kernel/health.ts';
import type { AppEnv } from '../../route.ts';
import { TEXT } from './text-response.ts';
import { nameTrace } from './trace.ts';

/** The version of Gotenberg whose routes these are. */
const VERSION = '8.36.0';

const GAUGES = ['chromium', 'libreoffice'].flatMap((module) => [
  { name: `gotenberg_${module}_requests_queue_size`, help: `Requests that wait for ${module}` },
  { name: `gotenberg_${module}_restarts_count`, help: `Restarts of ${module}` },
]);

interface PageDeps {
  health: Health;
  /** finds out who calls */
  authenticate: MiddlewareHandler<AppEnv>;
}

/** The pages beside the forms: one for probes, which need no key, and those that say what is here. */
export function otherPages(app: Hono<AppEnv>, { health, authenticate }: PageDeps): void {
  app.get('/health', () => {
    const checks = health.readiness();
    const status = checks.every((check) => check.status === 'ok') ? 'up' : 'down';
    const about = { status, timestamp: new Date().toISOString() };
    const body = { status, details: { chromium: about, libreoffice: about } };
    const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
    return new Response(JSON.stringify(body), { status: status === 'up' ? 200 : 503, headers });
  });
  app.get('/version', authenticate, () => new Response(VERSION, { headers: { 'Content-Type': TEXT } }));
  app.get('/', nameTrace(), authenticate, () => {
    const text = 'pdfprompt answers the routes of Gotenberg here. What else there is: <a href="/docs">/docs</a>';
    return new Response(text, { headers: { 'Content-Type': 'text/html; charset=UTF-8' } });
  });
  app.get('/favicon.ico', nameTrace(), authenticate, () => new Response(null, { status: 204 }));
  app.get('/prometheus/metrics', authenticate, () => {
    const lines = GAUGES.map(({ name, help }) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} 0\n`);
    return new Response(lines.join(''), {
      headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores' },
    });
  });
}
