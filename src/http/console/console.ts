import { Hono } from 'hono';
import { z } from 'zod';
import { type Actor, record, recordLook } from '../../accounts/audit.ts';
import { QueryCache } from '../../cache/query-cache.ts';
import { readWebhookTroubles, type WebhookTroubles } from '../../deliveries/search-webhooks.ts';
import type { Visit } from '../../domain/audit-act.ts';
import { PDF_TYPE } from '../../domain/media-type.ts';
import { type QueueOverview, readQueueOverview } from '../../jobs/queue-overview.ts';
import {
  HISTORY_RANGES,
  type HistoryRange,
  readThroughputHistory,
  type ThroughputHistory,
} from '../../jobs/throughput-history.ts';
import { CodedError, ERROR_CODES } from '../../kernel/errors.ts';
import type { LogIn } from '../log-in.ts';
import { statusOf, toCodedError } from '../problem.ts';
import { readQuery } from '../query.ts';
import { aboutOf, type AppContext, type AppDeps, type AppEnv } from '../route.ts';
import { addActions } from './add-actions.ts';
import { addAudit } from './add-audit.ts';
import { addBatches } from './add-batches.ts';
import { addDoctor } from './add-doctor.ts';
import { addJob } from './add-job.ts';
import { addJobs } from './add-jobs.ts';
import { addKeys } from './add-keys.ts';
import { addPauses } from './add-pauses.ts';
import { addSchedules } from './add-schedules.ts';
import { addSessions } from './add-sessions.ts';
import { addSettings } from './add-settings.ts';
import { addTemplates } from './add-templates.ts';
import { addTiers } from './add-tiers.ts';
import { addUsers } from './add-users.ts';
import { addWebhooks } from './add-webhooks.ts';
import type { Acted, Looked } from './acted.ts';
import { findAsset } from './assets.ts';
import { consoleEvents } from './console-events.ts';
import { type Overview, overviewFragment, overviewPage } from './overview-page.ts';
import { CONSOLE, isSameOrigin, requires, sessionOf, signedIn } from './session.ts';
import { addSignIn, addSignOut } from './sign-in.ts';
import { errorPage } from './sign-in-page.ts';

/** Allows only what the pages need. The PDF is shown in a frame. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/** The page's policy would break the browser's PDF viewer; this one only forbids frames of other origins. */
const PDF_POLICY = "frame-ancestors 'self'";
/** Of answers that browsers may keep; all others are never kept. */
const FOR_EVER = 'public, max-age=31536000, immutable';
const FOR_THE_OPERATOR = 'private';
const KEPT = new Set([FOR_EVER, FOR_THE_OPERATOR]);

/** Milliseconds that figures are cached, for all operators. */
const QUEUE_MS = 1_000;
const HISTORY_MS = 15_000;
const TROUBLES_MS = 5_000;

const overviewQuery = z.object({ range: z.enum(HISTORY_RANGES).catch('1h') });

/** Pages for operators below `/console`, rendered on the server; a script refreshes them. */
export function createConsole(deps: AppDeps & { logIn: LogIn }): Hono<AppEnv> {
  const { db, reads, adminDb, hub, events, logIn } = deps;
  const watched = { max: 8, onRequest: (result: 'hit' | 'miss') => events.cacheAsked('console', result) };
  const queues = new QueryCache<QueueOverview>({ ...watched, ttlMs: QUEUE_MS });
  const histories = new QueryCache<ThroughputHistory>({ ...watched, ttlMs: HISTORY_MS });
  const troubles = new QueryCache<WebhookTroubles>({ ...watched, ttlMs: TROUBLES_MS });
  const readOverview = async (range: HistoryRange): Promise<Overview> => {
    const [queueOverview, history, troubled] = await Promise.all([
      queues.get('', () => readQueueOverview(adminDb)),
      histories.get(range, () => readThroughputHistory(adminDb, range)),
      troubles.get('', () => readWebhookTroubles(adminDb)),
    ]);
    return { queue: queueOverview, history, troubles: troubled };
  };

  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    await next();
    const isPdf = c.res.headers.get('content-type') === PDF_TYPE;
    const hasOwnPolicy = c.res.headers.has('content-security-policy'); // HTML that a job has made
    if (!hasOwnPolicy) c.header('Content-Security-Policy', isPdf ? PDF_POLICY : PAGE_POLICY);
    if (isPdf) c.header('X-Frame-Options', 'SAMEORIGIN');
    // With no-referrer browsers send `Origin: null` with forms.
    c.header('Referrer-Policy', 'same-origin');
    if (!KEPT.has(c.res.headers.get('cache-control') ?? '')) c.header('Cache-Control', 'no-store');
  });
  app.onError((error, c) => {
    const coded = toCodedError(error);
    if (coded.code === 'internal') events.requestCrashed(aboutOf(c), error);
    const { title } = ERROR_CODES[coded.code];
    if (coded.retryAfterSeconds !== undefined) c.header('Retry-After', String(coded.retryAfterSeconds));
    return c.html(errorPage(c, CONSOLE, title, coded.message), statusOf(coded.code));
  });
  app.use(async (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD' || isSameOrigin(c)) return next();
    const text = 'The form was not sent by a page of the console, so nothing was done.';
    return c.html(errorPage(c, CONSOLE, 'Refused', text), 403);
  });

  app.get('/assets/:name', async (c) => {
    const asset = findAsset(c.req.param('name'));
    if (!asset) throw new CodedError('not_found', 'there is no such file');
    const isCurrent = c.req.query('v') === asset.version;
    if (isCurrent) c.header('Cache-Control', FOR_EVER);
    return c.body(asset.body, 200, { 'Content-Type': asset.type });
  });

  const visits = {
    db,
    logIn,
    place: CONSOLE,
    onVisit: async (c: AppContext, what: Visit, by: Actor & { keyId: string }) => {
      const { requestId } = c.var;
      await record(db, { what, by, requestId });
      events.operatorActed({ what, requestId, ...by });
    },
  };
  addSignIn(app, visits);
  app.use(signedIn(db, CONSOLE, { scripts: '/fragments/' }));
  addSignOut(app, visits);
  const acted: Acted = async (c, what, { batchId, webhookId, ...about }) => {
    const { requestId } = c.var;
    const by = actorOf(c);
    events.operatorActed({ what, requestId, ...by, jobId: about.jobId, batchId, webhookId });
    const detail = {
      ...(batchId !== undefined && { batchId }),
      ...(webhookId !== undefined && { webhookId }),
      ...about.detail,
    };
    await record(db, { what, by, requestId, ...about, detail });
  };
  const looked: Looked = (c, what, about) =>
    recordLook(db, { what, by: actorOf(c), requestId: c.var.requestId, ...about });
  addSessions(app, { db, adminDb, acted });
  addAudit(app, { adminDb });
  // Those who may only look send no form.
  app.on('POST', '/*', requires('operate'));
  addActions(app, { deps, acted });
  addPauses(app, { deps, acted });
  addJobs(app, { adminDb });
  addJob(app, { deps, acted, looked });
  addBatches(app, { deps, onCached: watched.onRequest, acted });
  addSchedules(app, { reads, adminDb });
  addUsers(app, { db, reads, adminDb, queue: deps.queue, stores: deps.stores, acted });
  addKeys(app, { db, adminDb, acted });
  addTiers(app, { db, adminDb, acted });
  addTemplates(app, { ...deps, looked });
  addSettings(app, deps);
  addDoctor(app, { examine: deps.examine, onCached: watched.onRequest });
  addWebhooks(app, { db, reads, adminDb, onCached: watched.onRequest, acted });

  app.get('/', async (c) => c.html(overviewPage(sessionOf(c), await readOverview(readQuery(c, overviewQuery).range))));
  app.get('/fragments/overview', async (c) =>
    c.html(overviewFragment(await readOverview(readQuery(c, overviewQuery).range))),
  );

  app.get('/fragments/events', (c) => consoleEvents(c, { hub, db: adminDb }));

  app.all('/*', (c) => {
    throw new CodedError('not_found', `there is nothing at ${c.req.path.slice(0, 200)}`);
  });
  return app;
}

function actorOf(c: AppContext): Actor & { keyId: string } {
  const { userId, keyId, id } = sessionOf(c);
  return { userId, keyId, sessionId: id };
}
