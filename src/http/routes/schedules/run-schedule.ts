import { runNow } from '../../../schedules/run-now.ts';
import { jobAnswer } from '../../job-answer.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { scheduleParams } from '../../schedule-schemas.ts';
import { acceptedResponse } from '../../schemas.ts';
import { getJob } from '../../../jobs/read.ts';
import { LimitReached } from '../../../accounts/limits.ts';

export function runScheduleRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/schedules/{name}/run',
    scope: 'jobs:write',
    operationId: 'runSchedule',
    summary: 'Run a schedule now, also one that is paused',
    description: 'Once more than its times say: those stay as they are. It counts towards the limits.',
    requestParams: { path: scheduleParams },
    responses: { 202: acceptedResponse('The job, accepted') },
    problems: ['not_found', 'rate_limited', 'invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId, tier } = principal;
      const name = c.req.param('name') ?? '';
      return underWay.writing(userId, async () => {
        const run = await runNow(deps, { userId, name }).catch((error: unknown) => {
          if (error instanceof LimitReached)
            deps.events.rateLimited({ ...aboutOf(c), userId, tier: tier.name, limit: error.limit });
          throw error;
        });
        deps.events.bulk.scheduleRan(run);
        const jobId = run.jobId ?? '';
        const answer = jobAnswer(await getJob(deps.reads, { userId, jobId }), deps.stores);
        return c.json(answer, 202, { Location: `/v1/jobs/${jobId}` });
      });
    },
  };
}
