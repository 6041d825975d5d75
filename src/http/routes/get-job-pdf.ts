import { PDF_PROBLEMS, pdfConditions, pdfQuery, pdfResponses } from '../pdf-operation.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { idOf } from '../schemas.ts';
import { sendPdf } from '../send-pdf.ts';

export function getJobPdfRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}/pdf',
    scope: 'jobs:read',
    operationId: 'getJobPdf',
    summary: "A completed job's PDF, the first if there are several",
    description: 'GET supports one range of bytes; GET and HEAD support conditions.',
    requestParams: { path: idOf('job'), query: pdfQuery, header: pdfConditions },
    responses: pdfResponses,
    problems: PDF_PROBLEMS,
    handle: async (c) =>
      sendPdf(c, deps, { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '', ...readQuery(c, pdfQuery) }),
  };
}
