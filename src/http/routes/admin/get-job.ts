import { findOwner } from '../../../jobs/search-jobs.ts';
import { getJob } from '../../../jobs/read.ts';
import { CodedError } from '../../../kernel/errors.ts';
import { jobAnswer } from '../../job-answer.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { anybodysJobSchema, idOf, jsonResponse } from '../../schemas.ts';

export function getAnybodysJobRoute({ adminDb, stores }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/jobs/{id}',
    scope: 'console:read',
    operationId: 'getAnybodysJob',
    summary: 'One job of any user',
    description: 'As its owner sees it. Its files are not there for anybody else.',
    requestParams: { path: idOf('job') },
    responses: { 200: jsonResponse('The job', anybodysJobSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const jobId = c.req.param('id') ?? '';
      const owner = await findOwner(adminDb, jobId);
      if (!owner) throw new CodedError('not_found', 'there is no such job');
      const { userId, email } = owner;
      const job = await getJob(adminDb, { userId, jobId });
      return c.json({ ...jobAnswer(job, stores), user: { id: userId, email } });
    },
  };
}
