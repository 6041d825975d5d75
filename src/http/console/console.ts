import { Hono } from 'hono';
import { v4 as uuidv4, validate as isUuid } from 'uuid';
import { z } from 'zod';
import { findTier } from '../../accounts/tiers.ts';
import { getUser } from '../../accounts/users.ts';
import { findBatchOwner } from '../../batches/search-batches.ts';
import { QueryCache } from '../../cache/query-cache.ts';
import type { Database } from '../../db/pools.ts';
import { listJobDeliveries } from '../../deliveries/read-deliveries.ts';
import { replayDelivery } from '../../deliveries/replay.ts';
import { readWebhookTroubles, type WebhookTroubles } from '../../deliveries/search-webhooks.ts';
import { JOB_STATUSES } from '../../domain/job.ts';
import { PDF_TYPE } from '../../domain/media-type.ts';
import { cancelJob } from '../../jobs/cancel.ts';
import { readJobTimeline } from '../../jobs/job-timeline.ts';
import { type QueueOverview, readQueueOverview } from '../../jobs/queue-overview.ts';
import { getJobFile, listJobFiles } from '../../jobs/read.ts';
import { retryJob } from '../../jobs/retry.ts';
import { findOwner, searchJobs } from '../../jobs/search-jobs.ts';
import {
  HISTORY_RANGES,
  type HistoryRange,
  readThroughputHistory,
  type ThroughputHistory,
} from '../../jobs/throughput-history.ts';
import { CodedError, ERROR_CODES } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import type { LogIn } from '../log-in.ts';
import { statusOf, toCodedError } from '../problem.ts';
import { readQuery } from '../query.ts';
import { aboutOf, type AppContext, type AppDeps, type AppEnv } from '../route.ts';
import { sendPdf } from '../send-pdf.ts';
import { namesTag } from '../byte-range.ts';
import { addBatches } from './add-batches.ts';
import { addSchedules } from './add-schedules.ts';
import { addWebhooks } from './add-webhooks.ts';
import { findAsset } from './assets.ts';
import { consoleEvents } from './console-events.ts';
import { findUser } from './find-user.ts';
import { deliveriesFragment, jobFragment, jobPage, type JobView, stateOf } from './job-page.ts';
import { jobsFragment, jobsPage, type JobsQuery } from './jobs-page.ts';
import { type Overview, overviewFragment, overviewPage } from './overview-page.ts';
import { CONSOLE, isSameOrigin, sessionOf, signedIn } from './session.ts';
import { addSignIn, addSignOut } from './sign-in.ts';
import { errorPage } from './sign-in-page.ts';
import { THUMBNAIL_TYPE, Thumbnails } from './thumbnails.ts';

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
const PAGE_SIZE = 50;

const overviewQuery = z.object({ range: z.enum(HISTORY_RANGES).catch('1h') });
const jobsQuery = z.object({
  status: z.enum(JOB_STATUSES).optional().catch(undefined),
  user: z.uuid().optional(),
  cursor: z.uuid().optional(),
  q: z.string().max(400).optional(),
});
const pdfQuery = z.object({ disposition: z.enum(['attachment', 'inline']).default('attachment') });
const jobQuery = z.object({ done: z.enum(['cancelled', 'retried', 'sent-again']).optional().catch(undefined) });

const DONE = {
  cancelled: 'The job was cancelled. It can be retried as long as its document is kept.',
  retried: 'This is the new job.',
  'sent-again': 'It will be sent again.',
} as const;

/** Pages for operators below `/console`, rendered on the server; a script refreshes them. */
export function createConsole(deps: AppDeps & { logIn: LogIn }): Hono<AppEnv> {
  const { db, reads, adminDb, queue, limiter, stores, assetStores, assetBytes, pictures, hub, events, logIn } = deps;
  const thumbnails = new Thumbnails(pictures);
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
    onVisit: (
      c: AppContext,
      what: 'signed in' | 'refused' | 'signed out',
      { userId, keyId }: { userId: string; keyId: string },
    ) => events.operatorActed({ what, requestId: c.var.requestId, userId, keyId }),
  };
  addSignIn(app, visits);
  app.use(signedIn(db, CONSOLE, { scripts: '/fragments/' }));
  addSignOut(app, visits);
  const acted = (
    c: AppContext,
    what: 'cancelled a job' | 'retried a job' | 'cancelled a batch' | 'retried a batch' | 'sent deliveries again',
    about: { jobId: string } | { batchId: string } | { webhookId: string },
  ) => {
    const { userId, keyId } = sessionOf(c);
    events.operatorActed({ what, requestId: c.var.requestId, userId, keyId, ...about });
  };
  addBatches(app, { deps, onCached: watched.onRequest, acted });
  addSchedules(app, { reads, adminDb });
  addWebhooks(app, { db, reads, adminDb, onCached: watched.onRequest, acted });

  app.get('/', async (c) => c.html(overviewPage(sessionOf(c), await readOverview(readQuery(c, overviewQuery).range))));
  app.get('/fragments/overview', async (c) =>
    c.html(overviewFragment(await readOverview(readQuery(c, overviewQuery).range))),
  );

  app.get('/fragments/events', (c) => consoleEvents(c, { hub, db: adminDb }));

  const find = (query: JobsQuery) =>
    searchJobs(adminDb, { status: query.status, userId: query.user, cursor: query.cursor, limit: PAGE_SIZE });
  app.get('/jobs', async (c) => {
    const { q, ...query } = readQuery(c, jobsQuery);
    const wanted = q?.trim() ?? '';
    if (wanted === '') {
      const user = query.user === undefined ? undefined : await getUser(adminDb, { id: query.user });
      return c.html(jobsPage(sessionOf(c), { query, user, found: await find(query) }));
    }
    if (await findOwner(adminDb, wanted)) return c.redirect(`/console/jobs/${wanted.toLowerCase()}`, 303);
    if (await findBatchOwner(adminDb, wanted)) return c.redirect(`/console/batches/${wanted.toLowerCase()}`, 303);
    const user = await findUser(adminDb, wanted);
    if (user) return c.redirect(`/console/jobs?user=${user.id}`, 303);
    throw new CodedError('not_found', `there is no job, no batch and no user ${wanted.slice(0, 100)}`);
  });
  app.get('/fragments/jobs', async (c) => {
    const { q: _, ...query } = readQuery(c, jobsQuery);
    return c.html(jobsFragment(await find(query), query));
  });

  const deliveriesOf = (c: AppContext, which: { userId: string; jobId: string }) =>
    c.var.underWay.reading(which.userId, () => listJobDeliveries(reads, which));
  const jobView = async (c: AppContext, message?: JobView['message']): Promise<JobView> => {
    const job = await readJobTimeline(adminDb, idOf(c));
    const which = { userId: job.userId, jobId: job.id };
    const areKept = job.status === 'completed' && job.file && !job.file.expiredAt;
    const files = areKept ? await c.var.underWay.reading(job.userId, () => listJobFiles(reads, which)) : [];
    const deliveries = await deliveriesOf(c, which);
    return { job, files, deliveries, message, once: uuidv4() };
  };
  app.get('/jobs/:id', async (c) => {
    const { done } = readQuery(c, jobQuery);
    return c.html(jobPage(sessionOf(c), await jobView(c, done && { kind: 'done', text: DONE[done] })));
  });
  app.get('/fragments/jobs/:id', async (c) => {
    const job = await readJobTimeline(adminDb, idOf(c));
    return c.html(jobFragment(job), 200, { 'X-Console-State': stateOf(job) });
  });
  app.get('/fragments/jobs/:id/deliveries', async (c) => {
    const which = { ...(await ownerOf(adminDb, idOf(c))), jobId: idOf(c) };
    return c.html(deliveriesFragment({ id: which.jobId, now: new Date() }, await deliveriesOf(c, which)));
  });
  app.get('/jobs/:id/pdf', async (c) => {
    const which = { ...(await ownerOf(adminDb, idOf(c))), jobId: idOf(c) };
    return sendPdf(c, { reads, stores, events }, { ...which, ...readQuery(c, pdfQuery) });
  });

  app.get('/jobs/:id/files/:n', async (c) => {
    const which = { ...(await ownerOf(adminDb, idOf(c))), jobId: idOf(c), position: positionOf(c) };
    return sendPdf(c, { reads, stores, events }, { ...which, ...readQuery(c, pdfQuery) });
  });
  app.get('/jobs/:id/files/:n/thumbnail', async (c) => {
    const { userId } = await ownerOf(adminDb, idOf(c));
    const which = { userId, jobId: idOf(c), position: positionOf(c) };
    const file = await c.var.underWay.reading(userId, () => getJobFile(reads, which));
    const store = stores.of(file);
    if (!store || file.type !== PDF_TYPE) return c.body(null, 404);
    const headers = { ETag: `"${file.sha256}"`, 'Cache-Control': FOR_THE_OPERATOR };
    if (namesTag(c.req.header('if-none-match'), headers.ETag)) return c.body(null, 304, headers);
    const { span } = c.var;
    const bytes = await thumbnails.of({ db: reads, store, file: { ...file, userId }, span });
    return bytes ? c.body(bytes, 200, { ...headers, 'Content-Type': THUMBNAIL_TYPE }) : c.body(null, 404);
  });

  app.post('/jobs/:id/cancel', async (c) => {
    const jobId = idOf(c);
    const { userId } = await ownerOf(adminDb, jobId);
    await cancelJob({ db, queue, events }, { userId, jobId, ...aboutOf(c) });
    acted(c, 'cancelled a job', { jobId });
    const { status } = await readJobTimeline(adminDb, jobId);
    return c.redirect(`/console/jobs/${jobId}${status === 'cancelled' ? '?done=cancelled' : ''}`, 303);
  });
  app.post('/jobs/:id/retry', async (c) => {
    const jobId = idOf(c);
    const once = (await readForm(c)).get('once') ?? '';
    const { userId } = await ownerOf(adminDb, jobId);
    const user = await getUser(adminDb, { id: userId });
    const tier = user.tier === null ? undefined : await findTier(adminDb, user.tier);
    try {
      if (!tier) throw new CodedError('job_not_retryable', 'its user has no subscription');
      const { job } = await retryJob(
        { db, reads, limiter, events, assetStores, assetBytes },
        {
          principal: { userId, tier },
          jobId,
          idempotencyKey: isUuid(once) ? `console:${once}` : undefined,
          requestId: c.var.requestId,
          traceparent: c.var.span.traceparent,
        },
      );
      acted(c, 'retried a job', { jobId: job.id });
      return c.redirect(`/console/jobs/${job.id}?done=retried`, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const view = await jobView(c, { kind: 'refused', text: `Not retried: ${error.message}.` });
      return c.html(jobPage(sessionOf(c), view), statusOf(error.code));
    }
  });

  app.post('/jobs/:id/deliveries/:deliveryId/replay', async (c) => {
    const jobId = idOf(c);
    const { userId } = await ownerOf(adminDb, jobId);
    try {
      await replayDelivery(db, { userId, deliveryId: c.req.param('deliveryId'), of: { jobId } });
      acted(c, 'sent deliveries again', { jobId });
      return c.redirect(`/console/jobs/${jobId}?done=sent-again`, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const view = await jobView(c, { kind: 'refused', text: `Not sent again: ${error.message}.` });
      return c.html(jobPage(sessionOf(c), view), statusOf(error.code));
    }
  });

  app.all('/*', (c) => {
    throw new CodedError('not_found', `there is nothing at ${c.req.path.slice(0, 200)}`);
  });
  return app;
}

const idOf = (c: AppContext) => c.req.param('id') ?? '';

function positionOf(c: AppContext): number {
  const n = c.req.param('n') ?? '';
  if (!/^(0|[1-9]\d{0,3})$/.test(n)) throw new CodedError('not_found', 'the job has no such file');
  return Number(n);
}

async function ownerOf(adminDb: Database, jobId: string): Promise<{ userId: string }> {
  const owner = await findOwner(adminDb, jobId);
  if (!owner) throw new CodedError('not_found', 'there is no such job');
  return owner;
}
