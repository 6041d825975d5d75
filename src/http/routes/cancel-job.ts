import { cancelJob } from '../../jobs/cancel.ts';
import { getJob } from '../../jobs/read.ts';
import { jobAnswer } from '../job-answer.ts';
import { aboutOf, type AppDeps, type Operation } from '../route.ts';
import { idOf, jobResponse } from '../schemas.ts';

export function cancelJobRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/jobs/{id}',
    scope: 'jobs:write',
    operationId: 'cancelJob',
    summary: 'Cancel a job, queued or running',
    description: 'A job that has ended stays as it is.',
    requestParams: { path: idOf('job') },
    responses: { 200: jobResponse('The job as it is now') },
    problems: ['not_found'],
    handle: async (c) => {
      const which = { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '' };
      const { underWay } = c.var;
      const read = () => underWay.reading(which.userId, () => getJob(deps.reads, which));
      await read(); // 404 if the user has no such job
      await underWay.writing(which.userId, () => cancelJob(deps, { ...which, ...aboutOf(c) }));
      return c.json(jobAnswer(await read(), deps.stores));
    },
  };
}
