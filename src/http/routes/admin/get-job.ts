import { recordLook } from '../../../accounts/audit.ts';
import { errorsOf, isError } from '../../../domain/page-report.ts';
import { allows } from '../../../domain/scope.ts';
import { findOwner } from '../../../jobs/search-jobs.ts';
import { getJob } from '../../../jobs/read.ts';
import { CodedError } from '../../../kernel/errors.ts';
import { jobAnswer } from '../../job-answer.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { anybodysJobSchema, idOf, jsonResponse } from '../../schemas.ts';

export function getAnybodysJobRoute({ db, adminDb, stores }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/jobs/{id}',
    scope: 'console:read',
    operationId: 'getAnybodysJob',
    summary: 'One job of any user',
    description:
      'As its owner sees it. Its files are not there for anybody else. Without `console:documents` it has only the errors of what its pages said, cut, and no picture.',
    requestParams: { path: idOf('job') },
    responses: { 200: jsonResponse('The job', anybodysJobSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const jobId = c.req.param('id') ?? '';
      const owner = await findOwner(adminDb, jobId);
      if (!owner) throw new CodedError('not_found', 'there is no such job');
      const { userId, email } = owner;
      const job = await getJob(adminDb, { userId, jobId });
      const answer = { ...jobAnswer(job, stores), user: { id: userId, email } };
      const { principal: by, requestId } = c.var;
      if (!allows(by.scopes, 'console:documents'))
        return c.json({ ...answer, consoleMessages: errorsOf(job.consoleMessages), failurePicture: null });
      // What a page says may be of its document.
      if (job.consoleMessages.some((each) => !isError(each)))
        await recordLook(db, {
          what: 'looked at what the page said',
          by: { userId: by.userId, keyId: by.keyId },
          jobId: job.id,
          subjectUserId: userId,
          requestId,
        });
      return c.json(answer);
    },
  };
}
