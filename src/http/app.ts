import { Hono } from 'hono';
import { MOVING_PAGE } from '../domain/foreign-names.ts';
import { OWN_SCOPES, type Scope } from '../domain/scope.ts';
import { CodedError } from '../kernel/errors.ts';
import { lazily } from '../kernel/lazily.ts';
import { audited } from './audited.ts';
import { createConsole } from './console/console.ts';
import { createStudio } from './studio/studio.ts';
import { foreignRouteHint } from './compat/foreign-route.ts';
import { DOCS_POLICY, docsPage } from './docs-page.ts';
import { allowOrigins } from './middleware/allow-origins.ts';
import { authenticate } from './middleware/authenticate.ts';
import { countRequests } from './middleware/count-requests.ts';
import { drain } from './middleware/drain.ts';
import { observe } from './middleware/observe.ts';
import { secure } from './middleware/secure.ts';
import { llmsText } from './llms-text.ts';
import { movingPage } from './moving-page.ts';
import { openApiDocument } from './openapi.ts';
import { problemResponse, toCodedError } from './problem.ts';
import { openLogIn } from './log-in.ts';
import { aboutOf, type AppDeps, type AppEnv, type Operation, type PublicRoute, publicRoute } from './route.ts';
import { answerAgent } from './routes/agents.ts';
import { createKeyRoute } from './routes/admin/create-key.ts';
import { createUserRoute } from './routes/admin/create-user.ts';
import { defineTierRoute } from './routes/admin/define-tier.ts';
import { deleteTierRoute } from './routes/admin/delete-tier.ts';
import { deleteUserRoute } from './routes/admin/delete-user.ts';
import { endPauseRoute } from './routes/admin/end-pause.ts';
import { getActionRoute } from './routes/admin/get-action.ts';
import { getQueueRoute } from './routes/admin/get-queue.ts';
import { getAnybodysJobRoute } from './routes/admin/get-job.ts';
import { getUserRoute } from './routes/admin/get-user.ts';
import { listAuditRoute } from './routes/admin/list-audit.ts';
import { listEverybodysJobsRoute } from './routes/admin/list-jobs.ts';
import { listKeysRoute } from './routes/admin/list-keys.ts';
import { listActionsRoute } from './routes/admin/list-actions.ts';
import { listPausesRoute } from './routes/admin/list-pauses.ts';
import { listTiersRoute } from './routes/admin/list-tiers.ts';
import { listUsersRoute } from './routes/admin/list-users.ts';
import { revokeKeyRoute } from './routes/admin/revoke-key.ts';
import { rotateKeyRoute } from './routes/admin/rotate-key.ts';
import { startActionRoute } from './routes/admin/start-action.ts';
import { startPauseRoute } from './routes/admin/start-pause.ts';
import { setSubscriptionRoute } from './routes/admin/set-subscription.ts';
import { resetLimitsRoute, setLimitsRoute } from './routes/admin/set-limits.ts';
import { getAssetRoute } from './routes/assets/get-asset.ts';
import { putAssetRoute } from './routes/assets/put-asset.ts';
import { cancelBatchRoute } from './routes/batches/cancel-batch.ts';
import { getBatchRoute } from './routes/batches/get-batch.ts';
import { getBatchPdfRoute } from './routes/batches/get-batch-pdf.ts';
import { getBatchZipRoute } from './routes/batches/get-batch-zip.ts';
import { listBatchesRoute } from './routes/batches/list-batches.ts';
import { listItemsRoute } from './routes/batches/list-items.ts';
import { retryBatchRoute } from './routes/batches/retry-batch.ts';
import { submitBatchRoute } from './routes/batches/submit-batch.ts';
import { cancelJobRoute } from './routes/cancel-job.ts';
import { getJobRoute } from './routes/get-job.ts';
import { getJobFileRoute } from './routes/get-job-file.ts';
import { deleteJobPdfRoute } from './routes/delete-job-pdf.ts';
import { getJobPdfRoute } from './routes/get-job-pdf.ts';
import { getJobPictureRoute } from './routes/get-job-picture.ts';
import { getUsageRoute } from './routes/get-usage.ts';
import { healthRoutes } from './routes/health.ts';
import { createLinkRoute } from './routes/links/create-link.ts';
import { openLinkRoute } from './routes/links/open-link.ts';
import { revokeLinksRoute } from './routes/links/revoke-links.ts';
import { listJobFilesRoute } from './routes/list-job-files.ts';
import { listJobDeliveriesRoute } from './routes/list-job-deliveries.ts';
import { listJobsRoute } from './routes/list-jobs.ts';
import { listenToEventsRoute } from './routes/listen-to-events.ts';
import { stopActionRoute } from './routes/admin/stop-action.ts';
import { renderPdfRoute } from './routes/render-pdf.ts';
import { replayJobDeliveryRoute } from './routes/replay-job-delivery.ts';
import { retryJobRoute } from './routes/retry-job.ts';
import { deleteScheduleRoute } from './routes/schedules/delete-schedule.ts';
import { getScheduleRoute } from './routes/schedules/get-schedule.ts';
import { listScheduleRunsRoute } from './routes/schedules/list-runs.ts';
import { listSchedulesRoute } from './routes/schedules/list-schedules.ts';
import { putScheduleRoute } from './routes/schedules/put-schedule.ts';
import { runScheduleRoute } from './routes/schedules/run-schedule.ts';
import { submitJobRoute } from './routes/submit-job.ts';
import { deleteTemplateRoute } from './routes/templates/delete-template.ts';
import { getTemplateRoute } from './routes/templates/get-template.ts';
import { listTemplateVersionsRoute } from './routes/templates/list-template-versions.ts';
import { listTemplatesRoute } from './routes/templates/list-templates.ts';
import { previewTemplateRoute } from './routes/templates/preview-template.ts';
import { putTemplateRoute } from './routes/templates/put-template.ts';
import { listBatchDeliveriesRoute } from './routes/batches/list-batch-deliveries.ts';
import { replayBatchDeliveryRoute } from './routes/batches/replay-batch-delivery.ts';
import { changeWebhookRoute } from './routes/webhooks/change-webhook.ts';
import { createWebhookRoute } from './routes/webhooks/create-webhook.ts';
import { deleteWebhookRoute } from './routes/webhooks/delete-webhook.ts';
import { getOwnSecretRoute } from './routes/webhooks/get-own-secret.ts';
import { getWebhookRoute } from './routes/webhooks/get-webhook.ts';
import { listDeliveriesRoute } from './routes/webhooks/list-deliveries.ts';
import { listWebhooksRoute } from './routes/webhooks/list-webhooks.ts';
import { replayDeliveryRoute } from './routes/webhooks/replay-delivery.ts';
import { replayFailedRoute } from './routes/webhooks/replay-failed.ts';
import { rotateOwnSecretRoute } from './routes/webhooks/rotate-own-secret.ts';
import { rotateSecretRoute } from './routes/webhooks/rotate-secret.ts';
import { testWebhookRoute } from './routes/webhooks/test-webhook.ts';

/** Every operation of the API: each is a file in `routes/`. */
export function operationsOf(deps: AppDeps): Operation[] {
  return [
    submitJobRoute(deps),
    listJobsRoute(deps),
    getJobRoute(deps),
    getJobPdfRoute(deps),
    deleteJobPdfRoute(deps),
    listJobFilesRoute(deps),
    getJobFileRoute(deps),
    getJobPictureRoute(deps),
    cancelJobRoute(deps),
    retryJobRoute(deps),
    listBatchesRoute(deps),
    getBatchRoute(deps),
    listItemsRoute(deps),
    getBatchPdfRoute(deps),
    getBatchZipRoute(deps),
    cancelBatchRoute(deps),
    createLinkRoute(deps),
    revokeLinksRoute(deps),
    openLinkRoute(deps),
    listJobDeliveriesRoute(deps),
    replayJobDeliveryRoute(deps),
    submitBatchRoute(deps),
    retryBatchRoute(deps),
    listBatchDeliveriesRoute(deps),
    replayBatchDeliveryRoute(deps),
    renderPdfRoute(deps),
    listenToEventsRoute(deps),
    putTemplateRoute(deps),
    listTemplatesRoute(deps),
    getTemplateRoute(deps),
    listTemplateVersionsRoute(deps),
    deleteTemplateRoute(deps),
    previewTemplateRoute(deps),
    putAssetRoute(deps),
    getAssetRoute(deps),
    putScheduleRoute(deps),
    listSchedulesRoute(deps),
    getScheduleRoute(deps),
    listScheduleRunsRoute(deps),
    deleteScheduleRoute(deps),
    runScheduleRoute(deps),
    createWebhookRoute(deps),
    listWebhooksRoute(deps),
    // Before those with {id}, which this is not.
    getOwnSecretRoute(deps),
    rotateOwnSecretRoute(deps),
    getWebhookRoute(deps),
    changeWebhookRoute(deps),
    deleteWebhookRoute(deps),
    rotateSecretRoute(deps),
    testWebhookRoute(deps),
    listDeliveriesRoute(deps),
    replayDeliveryRoute(deps),
    replayFailedRoute(deps),
    getUsageRoute(deps),
    listUsersRoute(deps),
    createUserRoute(deps),
    getUserRoute(deps),
    deleteUserRoute(deps),
    setSubscriptionRoute(deps),
    setLimitsRoute(deps),
    resetLimitsRoute(deps),
    listKeysRoute(deps),
    createKeyRoute(deps),
    rotateKeyRoute(deps),
    revokeKeyRoute(deps),
    listTiersRoute(deps),
    defineTierRoute(deps),
    deleteTierRoute(deps),
    getQueueRoute(deps),
    listAuditRoute(deps),
    listEverybodysJobsRoute(deps),
    getAnybodysJobRoute(deps),
    listPausesRoute(deps),
    startPauseRoute(deps),
    endPauseRoute(deps),
    startActionRoute(deps),
    listActionsRoute(deps),
    getActionRoute(deps),
    stopActionRoute(deps),
  ];
}

/** The API, and its pages. */
export async function createApp(deps: AppDeps): Promise<Hono<AppEnv>> {
  const operations = operationsOf(deps).map((each) => ({ ...each, handle: audited(deps.db, each) }));
  // When somebody asks: the document alone takes as long as all other parts of the API together.
  const openApi = lazily(() => openApiDocument(operations, deps.version));
  const json = lazily(() => JSON.stringify(openApi()));
  const page = lazily(() => docsPage(openApi()));
  const llms = lazily(() => llmsText(operations));
  const moving = movingPage();
  const pages = [
    ...healthRoutes(deps.health),
    publicRoute('/openapi.json', async (c) => c.body(json(), 200, { 'Content-Type': 'application/json' })),
    publicRoute('/llms.txt', async (c) => c.text(llms())),
    publicRoute('/docs', async (c) => c.html(page(), 200, { 'Content-Security-Policy': DOCS_POLICY })),
    publicRoute(MOVING_PAGE, async (c) => c.text(moving)),
    publicRoute('/', async (c) => c.redirect('/docs')),
  ];
  return assemble({ operations, pages }, deps);
}

async function assemble(
  { operations, pages }: { operations: Operation[]; pages: PublicRoute[] },
  deps: AppDeps,
): Promise<Hono<AppEnv>> {
  const { principals, events, health, tracing, underWay } = deps;
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    c.set('underWay', underWay);
    await next();
    if (health.isDraining) c.header('Connection', 'close'); // the next request goes to another process
  });
  app.use(drain());
  app.use(observe(events, tracing));
  app.use(secure());
  if (deps.corsOrigins.length > 0) app.use('/v1/*', allowOrigins(deps.corsOrigins));
  app.onError((error, c) => {
    const coded = toCodedError(error);
    if (coded.code === 'internal') events.requestCrashed(aboutOf(c), error);
    return problemResponse(coded, c.var.requestId);
  });
  app.notFound((c) => {
    const hint = foreignRouteHint(c.req.method, c.req.path, deps.compat.services) ?? 'what there is: /docs';
    const error = new CodedError('not_found', `there is nothing at ${c.req.path.slice(0, 200)}; ${hint}`);
    return problemResponse(error, c.var.requestId);
  });

  const logIn = openLogIn(principals, events);
  app.route('/console', createConsole({ ...deps, logIn }));
  app.route('/studio', createStudio({ ...deps, logIn, operations }));
  const { services } = deps.compat;
  // Before the routes of our own: both have `GET /`. Loaded where they are wanted, which is in few services.
  if (services.includes('gotenberg')) {
    const { createGotenberg } = await import('./compat/gotenberg/gotenberg.ts');
    app.route('/', createGotenberg({ ...deps, logIn }));
  }
  if (services.includes('browserless')) {
    const { createBrowserless } = await import('./compat/browserless/browserless.ts');
    app.route('/', createBrowserless({ ...deps, logIn }));
  }
  const counted = countRequests();
  const guards = (scope: Scope) => [
    authenticate(logIn, scope),
    ...(OWN_SCOPES.includes(scope) ? [counted] : []), // requests of operators are not limited
  ];
  app.on(['POST', 'GET', 'DELETE'], ['/mcp'], ...guards('jobs:write'), (c) => answerAgent(c, deps));
  const allowed = new Map<string, string[]>();
  for (const { endpoint, scope, handle } of [...operations, ...pages]) {
    const [method = '', path = ''] = endpoint.split(' ');
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
    allowed.set(pattern, [...(allowed.get(pattern) ?? []), method]);
    app.on([method], [pattern], ...(scope ? guards(scope) : []), handle);
  }
  for (const [pattern, methods] of allowed) {
    const headers = { Allow: methods.join(', ') };
    app.all(pattern, (c) => {
      const hint = foreignRouteHint(c.req.method, c.req.path, deps.compat.services);
      const message = `${c.req.method} is not allowed here; allowed: ${headers.Allow}${hint === undefined ? '' : `; ${hint}`}`;
      throw new CodedError('method_not_allowed', message, { headers });
    });
  }
  return app;
}
