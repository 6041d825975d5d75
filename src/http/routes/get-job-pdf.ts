import { z } from 'zod';
import { readQuery } from '../query.ts';
import type { AppDeps, Route } from '../route.ts';
import { idOf, pdfResponse, problems } from '../schemas.ts';
import { sendPdf } from '../send-pdf.ts';

const query = z.strictObject({
  disposition: z
    .enum(['attachment', 'inline'])
    .default('attachment')
    .meta({ description: 'Whether a browser saves the PDF or shows it' }),
});

const conditions = z.object({
  'If-None-Match': z.string().optional().meta({ description: 'The `ETag` of an answer before' }),
  Range: z
    .string()
    .optional()
    .meta({ description: 'One range; several are answered with the whole', example: 'bytes=0-1023' }),
  'If-Range': z.string().optional().meta({ description: 'The `ETag` for which the range holds; or else the whole' }),
});

export function getJobPdfRoute(deps: AppDeps): Route {
  return {
    method: 'get',
    path: '/v1/jobs/{id}/pdf',
    scope: 'jobs:read',
    operation: {
      operationId: 'getJobPdf',
      summary: "A completed job's PDF",
      description: 'GET may ask for one range of bytes; both GET and HEAD may be conditional.',
      requestParams: { path: idOf('job'), query, header: conditions },
      responses: {
        200: pdfResponse,
        206: { ...pdfResponse, description: 'The part of it that `Range` asked for' },
        304: { description: 'It is still the one that `If-None-Match` names' },
        ...problems('not_found', 'invalid_request', 'job_not_ready', 'file_expired', 'range_not_satisfiable'),
      },
    },
    handle: async (c) =>
      sendPdf(c, deps, { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '', ...readQuery(c, query) }),
  };
}
