import { listJobs } from '../../jobs/read.ts';
import { jobAnswer } from '../job-answer.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { jobSchema, jobStatusSchema, jsonResponse, pageOf, pageQuery } from '../schemas.ts';

const query = pageQuery.extend({ status: jobStatusSchema.optional() });

export function listJobsRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs',
    scope: 'jobs:read',
    operationId: 'listJobs',
    summary: 'Your jobs, newest first',
    requestParams: { query },
    responses: { 200: jsonResponse('A page of jobs', pageOf(jobSchema)) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, ...readQuery(c, query) };
      return underWay.reading(principal.userId, async () => {
        const { data, nextCursor } = await deps.readRouter.read((db) => listJobs(db, input));
        return c.json({ data: data.map((job) => jobAnswer(job, deps.stores)), nextCursor });
      });
    },
  };
}
