import { JOB_FIELDS } from '../../../domain/job-filter.ts';
import { type ListedJob, searchJobs } from '../../../jobs/search-jobs.ts';
import { JOBS_QUERY_TEXT, jobsQuery, readJobsQuery } from '../../jobs-query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import type { z } from 'zod';
import { foundJobSchema, jsonResponse, pageOf } from '../../schemas.ts';

export function listEverybodysJobsRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/jobs',
    scope: 'console:read',
    operationId: 'listEverybodysJobs',
    summary: 'Jobs of all users',
    description: `${JOBS_QUERY_TEXT} Queued jobs come by when they were queued, scheduled ones the next first.`,
    requestParams: { query: jobsQuery },
    responses: { 200: jsonResponse('A page of jobs', pageOf(foundJobSchema)) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { jobs, next } = await searchJobs(adminDb, readJobsQuery(c, JOB_FIELDS));
      return c.json({ data: jobs.map(foundJob), nextCursor: next });
    },
  };
}

function foundJob(found: ListedJob): z.infer<typeof foundJobSchema> {
  const { id, status, priority, tier, filename, attempts, pages, userId, email, errorCode, errorMessage, ...times } =
    found;
  return {
    id,
    status,
    priority,
    tier,
    filename,
    attempts,
    pages,
    createdAt: times.createdAt.toISOString(),
    runAt: times.runAt?.toISOString() ?? null,
    startedAt: times.startedAt?.toISOString() ?? null,
    completedAt: times.completedAt?.toISOString() ?? null,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
    user: { id: userId, email },
  };
}
