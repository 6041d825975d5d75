import { z } from 'zod';
import { isFinal } from '../../domain/job.ts';
import type { JobReader } from '../../jobs/job-reader.ts';
import type { JobWaiters } from '../../jobs/waiters.ts';
import type { PdfStores } from '../../storage/pdf-stores.ts';
import { jobAnswer } from '../job-answer.ts';
import { readQuery, wholeNumber } from '../query.ts';
import type { Route } from '../route.ts';
import { jobIdParams, jobResponse, problems } from '../schemas.ts';

const query = z.strictObject({
  wait: wholeNumber({ min: 0, max: 60, fallback: 0, what: 'seconds, ' }).meta({
    description: 'Seconds to wait for the job to end',
  }),
});

export function getJobRoute(deps: { jobs: JobReader; waiters: JobWaiters; stores: PdfStores }): Route {
  return {
    method: 'get',
    path: '/v1/jobs/{id}',
    scope: 'jobs:read',
    operation: {
      operationId: 'getJob',
      summary: 'What became of a job',
      description: 'With `wait`, answered as soon as the job ends or the seconds are over.',
      requestParams: { path: jobIdParams, query },
      responses: { 200: jobResponse('The job'), ...problems('not_found', 'invalid_request') },
    },
    handle: async (c) => {
      const { wait } = readQuery(c, query);
      const which = { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '' };
      const job = await deps.waiters.waitFor(
        which.jobId,
        wait * 1000,
        c.req.raw.signal,
        () => c.var.underWay.reading(which.userId, () => deps.jobs.get(which)),
        (value) => isFinal(value.status),
      );
      return c.json(jobAnswer(job, deps.stores));
    },
  };
}
