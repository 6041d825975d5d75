import { checkedText } from '../../../domain/check-input.ts';
import { templateNameProblem } from '../../../domain/template-name.ts';
import { listSchedules } from '../../../schedules/read-schedules.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { scheduleSchema } from '../../schedule-schemas.ts';
import { jsonResponse, pageOf, pageQuery } from '../../schemas.ts';

const query = pageQuery.extend({ cursor: checkedText(templateNameProblem).optional() });

export function listSchedulesRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/schedules',
    scope: 'jobs:read',
    operationId: 'listSchedules',
    summary: 'Your schedules by name, each with its next time and its last run',
    requestParams: { query },
    responses: { 200: jsonResponse('A page of schedules', pageOf(scheduleSchema)) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, ...readQuery(c, query) };
      return underWay.reading(principal.userId, async () => c.json(await listSchedules(reads, input)));
    },
  };
}
