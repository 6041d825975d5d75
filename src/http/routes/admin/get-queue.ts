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
      summary: 'Queued jobs, and how many workers they need',
      responses: { 200: jsonResponse('The latest count', queueFiguresSchema), ...problems('unavailable') },
    },
    handle: async (c) => c.json(await readQueueFigures(adminDb)),
  };
}
