import { z } from 'zod';
import type { ReadRouter } from '../../db/read-router.ts';
import { JOB_STATUSES } from '../../domain/job.ts';
import { listJobs } from '../../jobs/read.ts';
import type { PdfStores } from '../../storage/pdf-stores.ts';
import { jobAnswer } from '../job-answer.ts';
import { readQuery, wholeNumber } from '../query.ts';
import type { Route } from '../route.ts';
import { jobSchema, problems } from '../schemas.ts';

const query = z.strictObject({
  status: z.enum(JOB_STATUSES).optional(),
  limit: wholeNumber({ min: 1, max: 100, fallback: 20 }),
  cursor: z.uuid('allowed: the nextCursor of the page before').optional(),
});

export function listJobsRoute(deps: { readRouter: ReadRouter; stores: PdfStores }): Route {
  return {
    method: 'get',
    path: '/v1/jobs',
    scope: 'jobs:read',
    operation: {
      operationId: 'listJobs',
      summary: 'Your jobs, newest first',
      requestParams: { query },
      responses: {
        200: {
          description: 'A page of jobs',
          content: {
            'application/json': { schema: z.object({ data: z.array(jobSchema), nextCursor: z.string().nullable() }) },
          },
        },
        ...problems('invalid_request'),
      },
    },
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
