import { z } from 'zod';
import type { Database } from '../../db/pools.ts';
import type { PdfStores } from '../../storage/pdf-stores.ts';
import { readQuery } from '../query.ts';
import type { Route } from '../route.ts';
import { jobIdParams, pdfResponse, problems } from '../schemas.ts';
import { sendPdf } from '../send-pdf.ts';

const query = z.strictObject({
  disposition: z
    .enum(['attachment', 'inline'])
    .default('attachment')
    .meta({ description: 'Whether a browser saves the PDF or shows it' }),
});

export function getJobPdfRoute(deps: { reads: Database; stores: PdfStores }): Route {
  return {
    method: 'get',
    path: '/v1/jobs/{id}/pdf',
    scope: 'jobs:read',
    operation: {
      operationId: 'getJobPdf',
      summary: "A completed job's PDF",
      requestParams: { path: jobIdParams, query },
      responses: { 200: pdfResponse, ...problems('not_found', 'invalid_request', 'job_not_ready', 'file_expired') },
    },
    handle: async (c) =>
      sendPdf(c, deps, { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '', ...readQuery(c, query) }),
  };
}
