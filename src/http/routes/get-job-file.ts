import { z } from 'zod';
import { CodedError } from '../../kernel/errors.ts';
import { PDF_PROBLEMS, pdfConditions, pdfQuery, pdfResponses } from '../pdf-operation.ts';
import { readQuery } from '../query.ts';
import type { AppDeps, Operation } from '../route.ts';
import { idOf } from '../schemas.ts';
import { sendPdf } from '../send-pdf.ts';

const path = idOf('job').extend({ n: z.string().meta({ description: 'Which of its files; the first is 0' }) });

export function getJobFileRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}/files/{n}',
    scope: 'jobs:read',
    operationId: 'getJobFile',
    summary: 'One file of a completed job',
    description: 'GET supports one range of bytes; GET and HEAD support conditions.',
    requestParams: { path, query: pdfQuery, header: pdfConditions },
    responses: pdfResponses,
    problems: PDF_PROBLEMS,
    handle: async (c) => {
      const n = c.req.param('n') ?? '';
      if (!/^(0|[1-9]\d{0,3})$/.test(n)) throw new CodedError('not_found', 'the job has no such file');
      const { userId } = c.var.principal;
      const jobId = c.req.param('id') ?? '';
      return sendPdf(c, deps, { userId, jobId, position: Number(n), ...readQuery(c, pdfQuery) });
    },
  };
}
