import { getSchedule } from '../../../schedules/read-schedules.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { scheduleParams, wholeScheduleSchema } from '../../schedule-schemas.ts';
import { jsonResponse } from '../../schemas.ts';

export function getScheduleRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/schedules/{name}',
    scope: 'jobs:read',
    operationId: 'getSchedule',
    summary: 'A schedule, with its next times and its last run',
    requestParams: { path: scheduleParams },
    responses: { 200: jsonResponse('The schedule', wholeScheduleSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId, scopes } = principal;
      const which = { userId, name: c.req.param('name') ?? '', mayWrite: scopes.includes('jobs:write') };
      return underWay.reading(userId, async () => c.json(await getSchedule(reads, which)));
    },
  };
}
