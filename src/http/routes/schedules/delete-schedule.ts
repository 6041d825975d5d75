import { deleteSchedule } from '../../../schedules/delete-schedule.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { scheduleParams } from '../../schedule-schemas.ts';

export function deleteScheduleRoute({ db, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/schedules/{name}',
    scope: 'jobs:write',
    operationId: 'deleteSchedule',
    summary: 'Delete a schedule and its history',
    description: 'Jobs that it has made stay.',
    requestParams: { path: scheduleParams },
    responses: { 204: { description: 'The schedule is deleted' } },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const name = c.req.param('name') ?? '';
      await underWay.writing(userId, () => deleteSchedule(db, { userId, name }));
      events.bulk.scheduleDeleted({ ...aboutOf(c), userId, schedule: name });
      return c.body(null, 204);
    },
  };
}
