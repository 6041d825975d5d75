import type { Hono } from 'hono';
import { v4 as uuidv4, validate as isUuid } from 'uuid';
import { z } from 'zod';
import { readLimitsInForce } from '../../accounts/user-limits.ts';
import type { Database } from '../../db/pools.ts';
import { listJobDeliveries } from '../../deliveries/read-deliveries.ts';
import { replayDelivery } from '../../deliveries/replay.ts';
import { PDF_TYPE } from '../../domain/media-type.ts';
import { isError } from '../../domain/page-report.ts';
import { cancelJob } from '../../jobs/cancel.ts';
import { deletePdf } from '../../jobs/delete-pdf.ts';
import { readJobTimeline } from '../../jobs/job-timeline.ts';
import { getJobFile, listJobFiles } from '../../jobs/read.ts';
import { retryJob } from '../../jobs/retry.ts';
import { findOwner } from '../../jobs/search-jobs.ts';
import { CodedError } from '../../kernel/errors.ts';
import { readForm } from '../body.ts';
import { namesTag } from '../byte-range.ts';
import { statusOf } from '../problem.ts';
import { readQuery } from '../query.ts';
import { aboutOf, type AppContext, type AppDeps, type AppEnv } from '../route.ts';
import { sendPdf } from '../send-pdf.ts';
import type { Acted, Looked } from './acted.ts';
import { addSent } from './add-sent.ts';
import { deliveriesFragment, jobFragment, jobPage, type JobView, stateOf } from './job-page.ts';
import { requires, sessionOf } from './session.ts';
import { THUMBNAIL_TYPE, Thumbnails } from './thumbnails.ts';

/** Of what a browser may keep, but no cache on the way. */
const FOR_THE_OPERATOR = 'private';

const pdfQuery = z.object({ disposition: z.enum(['attachment', 'inline']).default('attachment') });
const jobQuery = z.object({
  done: z.enum(['cancelled', 'retried', 'sent-again', 'pdf-deleted']).optional().catch(undefined),
});

const DONE = {
  cancelled: 'The job was cancelled. It can be retried as long as its document is kept.',
  retried: 'This is the new job.',
  'sent-again': 'It will be sent again.',
  'pdf-deleted': 'Its files were deleted.',
} as const;

interface Deps {
  deps: AppDeps;
  acted: Acted;
  looked: Looked;
}

/** Adds the page of a job, its files, and what an operator may do with it. After `signedIn`. */
export function addJob(app: Hono<AppEnv>, { deps, acted, looked }: Deps): void {
  const { db, reads, adminDb, queue, limiter, stores, assetStores, assetBytes, pictures, events } = deps;
  const thumbnails = new Thumbnails(pictures);
  const deliveriesOf = (c: AppContext, which: { userId: string; jobId: string }) =>
    c.var.underWay.reading(which.userId, () => listJobDeliveries(reads, which));
  const jobView = async (c: AppContext, message?: JobView['message']): Promise<JobView> => {
    const job = await readJobTimeline(adminDb, idOf(c));
    const which = { userId: job.userId, jobId: job.id };
    const areKept = job.status === 'completed' && job.file && !job.file.expiredAt;
    const files = areKept ? await c.var.underWay.reading(job.userId, () => listJobFiles(reads, which)) : [];
    const deliveries = await deliveriesOf(c, which);
    // What a page says may be of its document.
    if (sessionOf(c).may.seeDocuments && job.report?.messages.some((each) => !isError(each)))
      await looked(c, 'looked at what the page said', { jobId: job.id, subjectUserId: job.userId });
    return { job, files, deliveries, message, once: uuidv4() };
  };
  app.get('/jobs/:id', async (c) => {
    const { done } = readQuery(c, jobQuery);
    return c.html(jobPage(sessionOf(c), await jobView(c, done && { kind: 'done', text: DONE[done] })));
  });
  app.get('/fragments/jobs/:id', async (c) => {
    const job = await readJobTimeline(adminDb, idOf(c));
    return c.html(jobFragment(job, sessionOf(c).may), 200, { 'X-Console-State': stateOf(job) });
  });
  app.get('/fragments/jobs/:id/deliveries', async (c) => {
    const which = { ...(await ownerOf(adminDb, idOf(c))), jobId: idOf(c) };
    return c.html(
      deliveriesFragment({ id: which.jobId, now: new Date() }, await deliveriesOf(c, which), {
        canReplay: sessionOf(c).may.operate,
      }),
    );
  });
  app.get('/jobs/:id/pdf', requires('seeDocuments'), async (c) => {
    const which = { ...(await ownerOf(adminDb, idOf(c))), jobId: idOf(c) };
    await looked(c, 'looked at a file', { jobId: which.jobId, subjectUserId: which.userId, detail: { file: 0 } });
    return sendPdf(c, { reads, stores, events }, { ...which, ...readQuery(c, pdfQuery) });
  });

  app.get('/jobs/:id/files/:n', requires('seeDocuments'), async (c) => {
    const which = { ...(await ownerOf(adminDb, idOf(c))), jobId: idOf(c), position: positionOf(c) };
    const { jobId, userId: subjectUserId, position: file } = which;
    await looked(c, 'looked at a file', { jobId, subjectUserId, detail: { file } });
    return sendPdf(c, { reads, stores, events }, { ...which, ...readQuery(c, pdfQuery) });
  });
  app.get('/jobs/:id/files/:n/thumbnail', requires('seeDocuments'), async (c) => {
    const { userId } = await ownerOf(adminDb, idOf(c));
    const which = { userId, jobId: idOf(c), position: positionOf(c) };
    const file = await c.var.underWay.reading(userId, () => getJobFile(reads, which));
    const store = stores.of(file);
    if (!store || file.type !== PDF_TYPE) return c.body(null, 404);
    const headers = { ETag: `"${file.sha256}"`, 'Cache-Control': FOR_THE_OPERATOR };
    if (namesTag(c.req.header('if-none-match'), headers.ETag)) return c.body(null, 304, headers);
    await looked(c, 'looked at thumbnails', { jobId: which.jobId, subjectUserId: userId });
    const { span } = c.var;
    const bytes = await thumbnails.of({ db: reads, store, file: { ...file, userId }, span });
    return bytes ? c.body(bytes, 200, { ...headers, 'Content-Type': THUMBNAIL_TYPE }) : c.body(null, 404);
  });

  addSent(app, { deps, looked });

  app.post('/jobs/:id/cancel', async (c) => {
    const jobId = idOf(c);
    const { userId } = await ownerOf(adminDb, jobId);
    await cancelJob({ db, queue, events }, { userId, jobId, ...aboutOf(c) });
    await acted(c, 'cancelled a job', { jobId });
    const { status } = await readJobTimeline(adminDb, jobId);
    return c.redirect(`/console/jobs/${jobId}${status === 'cancelled' ? '?done=cancelled' : ''}`, 303);
  });
  app.post('/jobs/:id/retry', async (c) => {
    const jobId = idOf(c);
    const once = (await readForm(c)).get('once') ?? '';
    const { userId } = await ownerOf(adminDb, jobId);
    const tier = await readLimitsInForce(adminDb, { id: userId });
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
      await acted(c, 'retried a job', { jobId: job.id });
      return c.redirect(`/console/jobs/${job.id}?done=retried`, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const view = await jobView(c, { kind: 'refused', text: `Not retried: ${error.message}.` });
      return c.html(jobPage(sessionOf(c), view), statusOf(error.code));
    }
  });

  app.post('/jobs/:id/delete-pdf', async (c) => {
    const jobId = idOf(c);
    const { userId } = await ownerOf(adminDb, jobId);
    try {
      const files = await deletePdf({ db, stores, events }, { userId, jobId, ...aboutOf(c) });
      await acted(c, 'deleted a PDF', { jobId, subjectUserId: userId, detail: { files } });
      return c.redirect(`/console/jobs/${jobId}?done=pdf-deleted`, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const view = await jobView(c, { kind: 'refused', text: `Not deleted: ${error.message}.` });
      return c.html(jobPage(sessionOf(c), view), statusOf(error.code));
    }
  });
  app.post('/jobs/:id/deliveries/:deliveryId/replay', async (c) => {
    const jobId = idOf(c);
    const { userId } = await ownerOf(adminDb, jobId);
    try {
      await replayDelivery(db, { userId, deliveryId: c.req.param('deliveryId'), of: { jobId } });
      await acted(c, 'sent deliveries again', { jobId });
      return c.redirect(`/console/jobs/${jobId}?done=sent-again`, 303);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const view = await jobView(c, { kind: 'refused', text: `Not sent again: ${error.message}.` });
      return c.html(jobPage(sessionOf(c), view), statusOf(error.code));
    }
  });
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
