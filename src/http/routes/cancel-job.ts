import type { Database } from '../../db/pools.ts';
import { cancelJob } from '../../jobs/cancel.ts';
import { getJob } from '../../jobs/read.ts';
import type { JobQueue } from '../../queue/boss.ts';
import type { PdfStores } from '../../storage/pdf-stores.ts';
import type { Events } from '../../telemetry/events.ts';
import { jobAnswer } from '../job-answer.ts';
import { aboutOf, type Route } from '../route.ts';
import { jobIdParams, jobResponse, problems } from '../schemas.ts';

export function cancelJobRoute(deps: {
  db: Database;
  reads: Database;
  queue: JobQueue;
  stores: PdfStores;
  events: Events;
}): Route {
  return {
    method: 'delete',
    path: '/v1/jobs/{id}',
    scope: 'jobs:write',
    operation: {
      operationId: 'cancelJob',
      summary: 'Cancel a job, queued or running',
      description: 'A job that has ended stays as it is.',
      requestParams: { path: jobIdParams },
      responses: { 200: jobResponse('The job as it is now'), ...problems('not_found') },
    },
    handle: async (c) => {
      const which = { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '' };
      const { underWay } = c.var;
      const read = () => underWay.reading(which.userId, () => getJob(deps.reads, which));
      await read(); // 404 for what is not there or not theirs
      await underWay.writing(which.userId, () => cancelJob(deps, { ...which, ...aboutOf(c) }));
      return c.json(jobAnswer(await read(), deps.stores));
    },
  };
}
