import { deletePdf } from '../../jobs/delete-pdf.ts';
import { aboutOf, type AppDeps, type Operation } from '../route.ts';
import { idOf } from '../schemas.ts';

export function deleteJobPdfRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/jobs/{id}/pdf',
    scope: 'jobs:write',
    operationId: 'deleteJobPdf',
    summary: 'Delete the files of an ended job before their time',
    description:
      'All of them, wherever they are. They and their links answer 410 from now on; the job and its usage stay. Of a job that failed or was cancelled, the document that is kept for a retry is erased. The same again changes nothing.',
    requestParams: { path: idOf('job') },
    responses: { 204: { description: 'The job has no files any longer' } },
    problems: ['not_found', 'job_not_ready'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, jobId: c.req.param('id') ?? '' };
      await underWay.writing(principal.userId, () => deletePdf(deps, { ...which, ...aboutOf(c) }));
      return c.body(null, 204);
    },
  };
}
