import { PDF_PROBLEMS, pdfConditions, pdfQuery, pdfResponses } from '../pdf-operation.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { idOf, pdfOrZipResponse } from '../schemas.ts';
import { sendByAccept } from '../send-by-accept.ts';

export function getJobPdfRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}/pdf',
    scope: 'jobs:read',
    operationId: 'getJobPdf',
    summary: "A completed job's PDF, the first if there are several",
    description:
      'GET supports one range of bytes of the PDF; GET and HEAD support conditions. If `Accept` prefers `application/zip`, the answer has all files of the job, and no ranges.',
    requestParams: { path: idOf('job'), query: pdfQuery, header: pdfConditions },
    responses: { ...pdfResponses, 200: pdfOrZipResponse },
    problems: PDF_PROBLEMS,
    handle: async (c) =>
      sendByAccept(c, deps, {
        userId: c.var.principal.userId,
        jobId: c.req.param('id') ?? '',
        ...readQuery(c, pdfQuery),
      }),
  };
}
