import { mergedJobOf } from '../../../batches/merged-job-of.ts';
import { getBatch } from '../../../batches/read-batch.ts';
import { PDF_PROBLEMS, pdfConditions, pdfQuery, pdfResponses } from '../../pdf-operation.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';
import { sendPdf } from '../../send-pdf.ts';

export function getBatchPdfRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/batches/{id}/pdf',
    scope: 'jobs:read',
    operationId: 'getBatchPdf',
    summary: 'The merged PDF of a completed batch',
    description:
      'As `GET /v1/jobs/{id}/pdf` of the job that merged the items. GET supports one range of bytes; GET and HEAD support conditions.',
    requestParams: { path: idOf('batch'), query: pdfQuery, header: pdfConditions },
    responses: pdfResponses,
    problems: [...PDF_PROBLEMS.filter((code) => code !== 'job_not_ready'), 'batch_not_ready'],
    handle: async (c) => {
      const { userId } = c.var.principal;
      const query = readQuery(c, pdfQuery);
      const which = { userId, batchId: c.req.param('id') ?? '' };
      const batch = await c.var.underWay.reading(userId, () => getBatch(deps.reads, which));
      return sendPdf(c, deps, { userId, jobId: mergedJobOf(batch), ...query });
    },
  };
}
