import type { z } from 'zod';
import { listJobFiles } from '../../jobs/read.ts';
import { fileAnswer } from '../job-answer.ts';
import type { AppDeps, Operation } from '../route.ts';
import { fileSchema, idOf, jsonResponse, listOf } from '../schemas.ts';

const answer = listOf(fileSchema);

export function listJobFilesRoute({ reads, stores }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}/files',
    scope: 'jobs:read',
    operationId: 'listJobFiles',
    summary: 'All files of a completed job, in their order',
    requestParams: { path: idOf('job') },
    responses: { 200: jsonResponse('The files', answer) },
    problems: ['not_found', 'job_not_ready'],
    handle: async (c) => {
      const { userId } = c.var.principal;
      const which = { userId, jobId: c.req.param('id') ?? '' };
      const files = await c.var.underWay.reading(userId, () => listJobFiles(reads, which));
      return c.json({ data: files.map((file) => fileAnswer(file, stores)) } satisfies z.infer<typeof answer>);
    },
  };
}
