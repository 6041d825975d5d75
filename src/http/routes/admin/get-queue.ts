import { queueFiguresSchema } from '../../../domain/queue-figures.ts';
import { readQueueFigures } from '../../../jobs/queue-watch.ts';
import type { AppDeps, Route } from '../../route.ts';
import { jsonResponse, problems } from '../../schemas.ts';

export function getQueueRoute({ adminDb }: AppDeps): Route {
  return {
    method: 'get',
    path: '/v1/admin/queue',
    scope: 'admin',
    operation: {
      operationId: 'getQueue',
      summary: 'What is queued, and how many workers it takes',
      responses: { 200: jsonResponse('As last counted', queueFiguresSchema), ...problems('unavailable') },
    },
    handle: async (c) => c.json(await readQueueFigures(adminDb)),
  };
}
