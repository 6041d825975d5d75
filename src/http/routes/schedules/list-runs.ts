import { z } from 'zod';
import { listRuns } from '../../../schedules/read-schedules.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { scheduleParams, scheduleRunSchema } from '../../schedule-schemas.ts';
import { jsonResponse, pageOf, pageQuery } from '../../schemas.ts';

const query = pageQuery.extend({
  cursor: z.iso.datetime('allowed: the nextCursor of the page before').optional(),
});

export function listScheduleRunsRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/schedules/{name}/runs',
    scope: 'jobs:read',
    operationId: 'listScheduleRuns',
    summary: 'What became of the times of a schedule, newest first: the last 1,000',
    requestParams: { path: scheduleParams, query },
    responses: { 200: jsonResponse('A page of runs', pageOf(scheduleRunSchema)) },
    problems: ['not_found', 'invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, name: c.req.param('name') ?? '', ...readQuery(c, query) };
      return underWay.reading(principal.userId, async () => c.json(await listRuns(reads, input)));
    },
  };
}
