import { z } from 'zod';
import { isFinal } from '../../domain/job.ts';
import { jobAnswer } from '../job-answer.ts';
import { readQuery, wholeNumber } from '../query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { idOf, jobDetailsSchema, jsonResponse } from '../schemas.ts';

const query = z.strictObject({
  wait: wholeNumber({ min: 0, max: 60, fallback: 0, what: 'seconds, ' }).meta({
    description: 'Seconds to wait for the job to end',
  }),
});

export function getJobRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}',
    scope: 'jobs:read',
    operationId: 'getJob',
    summary: 'One job',
    description: 'With `wait`, the answer comes when the job ends or the time is over.',
    requestParams: { path: idOf('job'), query },
    responses: { 200: jsonResponse('The job', jobDetailsSchema) },
    problems: ['not_found', 'invalid_request'],
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
