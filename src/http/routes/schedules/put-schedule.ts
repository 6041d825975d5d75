import { putSchedule } from '../../../schedules/put-schedule.ts';
import { getSchedule } from '../../../schedules/read-schedules.ts';
import { scheduleFields } from '../../../schedules/schedule.ts';
import { readBody } from '../../body.ts';
import { SCHEDULE_EXAMPLES } from '../../examples.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { scheduleParams, wholeScheduleSchema } from '../../schedule-schemas.ts';
import { jsonBody, jsonResponse } from '../../schemas.ts';

export function putScheduleRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/schedules/{name}',
    scope: 'jobs:write',
    operationId: 'putSchedule',
    summary: 'Save a schedule: a request that becomes a job at the times of a cron expression',
    description: 'What is left out is as for a new one. At most 100 schedules.',
    requestParams: { path: scheduleParams },
    requestBody: jsonBody(scheduleFields, { examples: SCHEDULE_EXAMPLES }),
    responses: {
      200: jsonResponse('The schedule as it is now', wholeScheduleSchema),
      201: jsonResponse('The new schedule', wholeScheduleSchema),
    },
    problems: ['schedule_limit_reached'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const name = c.req.param('name') ?? '';
      const fields = await readBody(c, scheduleFields);
      return underWay.writing(userId, async () => {
        const { isNew } = await putSchedule(deps, { userId, name, fields });
        deps.events.bulk.scheduleSaved({ ...aboutOf(c), userId, schedule: name, isNew, paused: fields.paused });
        return c.json(await getSchedule(deps.reads, { userId, name, mayWrite: true }), isNew ? 201 : 200);
      });
    },
  };
}
