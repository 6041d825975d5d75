import { Hono } from 'hono';
import { LimitReached, type Limiter } from '../accounts/limits.ts';
import type { Principals } from '../accounts/principals.ts';
import type { Database } from '../db/pools.ts';
import type { ReadRouter } from '../db/read-router.ts';
import type { JobReader } from '../jobs/job-reader.ts';
import type { JobWaiters } from '../jobs/waiters.ts';
import type { Scope } from '../domain/scope.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Health } from '../kernel/health.ts';
import type { JobQueue } from '../queue/boss.ts';
import type { PdfStores } from '../storage/pdf-stores.ts';
import type { Events } from '../telemetry/events.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { createConsole } from './console/console.ts';
import { docsPage } from './docs-page.ts';
import { authenticate } from './middleware/authenticate.ts';
import { countRequests } from './middleware/count-requests.ts';
import { drain } from './middleware/drain.ts';
import { observe } from './middleware/observe.ts';
import { requireScope } from './middleware/require-scope.ts';
import { secure } from './middleware/secure.ts';
import { openApiDocument } from './openapi.ts';
import { problemResponse, toCodedError } from './problem.ts';
import { openLogIn } from './log-in.ts';
import { rateLimitHeaders } from './rate-limit.ts';
import { aboutOf, type AppEnv, type Route } from './route.ts';
import { createKeyRoute } from './routes/admin/create-key.ts';
import { createUserRoute } from './routes/admin/create-user.ts';
import { defineTierRoute } from './routes/admin/define-tier.ts';
import { deleteTierRoute } from './routes/admin/delete-tier.ts';
import { deleteUserRoute } from './routes/admin/delete-user.ts';
import { getQueueRoute } from './routes/admin/get-queue.ts';
import { getUserRoute } from './routes/admin/get-user.ts';
import { listKeysRoute } from './routes/admin/list-keys.ts';
import { listTiersRoute } from './routes/admin/list-tiers.ts';
import { listUsersRoute } from './routes/admin/list-users.ts';
import { revokeKeyRoute } from './routes/admin/revoke-key.ts';
import { rotateKeyRoute } from './routes/admin/rotate-key.ts';
import { setSubscriptionRoute } from './routes/admin/set-subscription.ts';
import { cancelJobRoute } from './routes/cancel-job.ts';
import { getJobRoute } from './routes/get-job.ts';
import { getJobPdfRoute } from './routes/get-job-pdf.ts';
import { getUsageRoute } from './routes/get-usage.ts';
import { healthRoutes } from './routes/health.ts';
import { listJobsRoute } from './routes/list-jobs.ts';
import { renderPdfRoute } from './routes/render-pdf.ts';
import { retryJobRoute } from './routes/retry-job.ts';
import { submitJobRoute } from './routes/submit-job.ts';
import { RangeNotSatisfiable } from './send-pdf.ts';
import type { UnderWay } from './under-way.ts';

export interface AppDeps {
  db: Database;
  principals: Principals;
  limiter: Limiter;
  jobs: JobReader;
  /** for whatever is read for one tenant: behind the wall (`db/tenant.ts`) */
  reads: Database;
  /** the same, from a replica if there is one */
  readRouter: ReadRouter;
  /** for the routes below `/v1/admin`, and what the console reads */
  adminDb: Database;
  queue: JobQueue;
  waiters: JobWaiters;
  stores: PdfStores;
  events: Events;
  version: string;
  health: Health;
  tracing: Tracing;
  underWay: UnderWay;
}

/** The API. Every verb is a file in `routes/`; this is where they come together. */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const verbs: Route[] = [
    submitJobRoute(deps),
    listJobsRoute(deps),
    getJobRoute(deps),
    getJobPdfRoute(deps),
    cancelJobRoute(deps),
    retryJobRoute(deps),
    renderPdfRoute(deps),
    getUsageRoute(deps),
    listUsersRoute(deps),
    createUserRoute(deps),
    getUserRoute(deps),
    deleteUserRoute(deps),
    setSubscriptionRoute(deps),
    listKeysRoute(deps),
    createKeyRoute(deps),
    rotateKeyRoute(deps),
    revokeKeyRoute(deps),
    listTiersRoute(deps),
    defineTierRoute(deps),
    deleteTierRoute(deps),
    getQueueRoute(deps),
  ];
  const openApi = openApiDocument(verbs, deps.version);
  const json = JSON.stringify(openApi);
  const page = docsPage(openApi);
  const pages: Route[] = [
    ...healthRoutes(deps.health),
    {
      method: 'get',
      path: '/openapi.json',
      isPublic: true,
      handle: async (c) => c.body(json, 200, { 'Content-Type': 'application/json' }),
    },
    {
      method: 'get',
      path: '/docs',
      isPublic: true,
      handle: async (c) =>
        c.html(page, 200, {
          'Content-Security-Policy':
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        }),
    },
    { method: 'get', path: '/', isPublic: true, handle: async (c) => c.redirect('/docs') },
  ];
  return assemble([...verbs, ...pages], deps);
}

function assemble(routes: Route[], deps: AppDeps): Hono<AppEnv> {
  const { principals, events, health, tracing, underWay } = deps;
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set('underWay', underWay);
    await next();
  });
  app.use(drain());
  app.use(observe(events, tracing));
  app.use(secure());
  app.use(async (c, next) => {
    await next();
    if (health.isDraining) c.header('Connection', 'close'); // the next request goes to somebody who stays
  });
  app.onError((error, c) => {
    const coded = toCodedError(error);
    if (coded.code === 'internal') events.requestCrashed(aboutOf(c), error);
    return problemResponse(coded, c.var.requestId, headersOf(coded));
  });
  app.notFound((c) =>
    problemResponse(
      new CodedError('not_found', `there is nothing at ${c.req.path.slice(0, 200)}; what there is: /docs`),
      c.var.requestId,
    ),
  );

  const logIn = openLogIn(principals, events);
  app.route('/console', createConsole({ ...deps, logIn }));
  const authenticated = authenticate(logIn);
  const counted = countRequests();
  const guards = (scope: Scope) => [
    authenticated,
    requireScope(scope),
    ...(scope === 'admin' ? [] : [counted]), // operators are trusted
  ];
  const allowed = new Map<string, string[]>();
  for (const { method, path, isPublic, scope, handle } of routes) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
    allowed.set(pattern, [...(allowed.get(pattern) ?? []), method.toUpperCase()]);
    app.on([method.toUpperCase()], [pattern], ...(isPublic ? [] : guards(scope)), handle);
  }
  for (const [pattern, methods] of allowed) {
    app.all(pattern, (c) => {
      const error = new CodedError(
        'method_not_allowed',
        `${c.req.method} is not allowed here; allowed: ${methods.join(', ')}`,
      );
      return problemResponse(error, c.var.requestId, { Allow: methods.join(', ') });
    });
  }
  return app;
}

/** What belongs to an error besides its body. */
function headersOf(error: CodedError): Record<string, string> {
  if (error instanceof LimitReached) return rateLimitHeaders(error.allowances);
  if (error instanceof RangeNotSatisfiable) return { 'Content-Range': `bytes */${error.size}` };
  return {};
}
