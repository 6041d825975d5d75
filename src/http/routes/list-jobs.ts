import { OWN_JOB_FIELDS } from '../../domain/job-filter.ts';
import { listJobs } from '../../jobs/read.ts';
import { jobAnswer } from '../job-answer.ts';
import { JOBS_QUERY_TEXT, ownJobsQuery, readJobsQuery } from '../jobs-query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { jobSchema, jsonResponse, pageOf } from '../schemas.ts';

export function listJobsRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs',
    scope: 'jobs:read',
    operationId: 'listJobs',
    summary: 'Your jobs, newest first',
    description: JOBS_QUERY_TEXT,
    requestParams: { query: ownJobsQuery },
    responses: { 200: jsonResponse('A page of jobs', pageOf(jobSchema)) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, ...readJobsQuery(c, OWN_JOB_FIELDS) };
      return underWay.reading(principal.userId, async () => {
        const { data, nextCursor } = await deps.readRouter.read((db) => listJobs(db, input));
        return c.json({ data: data.map((job) => jobAnswer(job, deps.stores)), nextCursor });
      });
    },
  };
}
