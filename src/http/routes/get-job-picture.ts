import { readFailurePicture } from '../../jobs/page-reports.ts';
import type { AppDeps, Operation } from '../route.ts';
import { idOf } from '../schemas.ts';

const JPEG = 'image/jpeg';
const picture = {
  description: 'The picture',
  content: { [JPEG]: { schema: { type: 'string' as const, format: 'binary' } } },
};

export function getJobPictureRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/jobs/{id}/picture',
    scope: 'jobs:read',
    operationId: 'getJobPicture',
    summary: 'A picture of the page of a job that failed',
    description: 'What the page showed at the moment of its failure, as a JPEG. It is kept as long as the document.',
    requestParams: { path: idOf('job') },
    responses: { 200: picture },
    problems: ['not_found'],
    handle: async (c) => {
      const which = { userId: c.var.principal.userId, jobId: c.req.param('id') ?? '' };
      const bytes = await c.var.underWay.reading(which.userId, () => readFailurePicture(reads, which));
      return c.body(new Uint8Array(bytes), 200, { 'Content-Type': JPEG, 'Cache-Control': 'private, no-cache' });
    },
  };
}
