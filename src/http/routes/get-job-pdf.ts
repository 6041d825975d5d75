import { z } from 'zod';
import { readQuery } from '../query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { idOf, pdfResponse } from '../schemas.ts';
import { sendPdf } from '../send-pdf.ts';

const query = z.strictObject({
  disposition: z
    .enum(['attachment', 'inline'])
    .default('attachment')
    .meta({ description: 'Whether a browser saves the PDF or shows it' }),
});

const conditions = z.object({
  'If-None-Match': z.string().optional().meta({ description: 'The `ETag` of an earlier answer' }),
  Range: z
    .string()
    .optional()
    .meta({ description: 'One range of bytes; for several ranges the whole PDF is sent', example: 'bytes=0-1023' }),
  'If-Range': z.string().optional().meta({ description: 'An `ETag`: if it differs, the whole PDF is sent' }),
});

export function getJobPdfRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}/pdf',
    scope: 'jobs:read',
    operationId: 'getJobPdf',
    summary: "A completed job's PDF",
    description: 'GET supports one range of bytes; GET and HEAD support conditions.',
    requestParams: { path: idOf('job'), query, header: conditions },
    responses: {
      200: pdfResponse,
      206: { ...pdfResponse, description: 'The requested range' },
      304: { description: 'The PDF still has the `ETag` of `If-None-Match`' },
    },
    problems: ['not_found', 'invalid_request', 'job_not_ready', 'file_expired', 'range_not_satisfiable'],
    handle: async (c) =>
      sendPdf(c, deps, { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '', ...readQuery(c, query) }),
  };
}
