import type { Database } from '../../../db/pools.ts';
import { queueFiguresSchema } from '../../../domain/queue-figures.ts';
import { readQueueFigures } from '../../../jobs/queue-watch.ts';
import { jsonResponse } from '../../account-schemas.ts';
import type { Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

export function getQueueRoute({ adminDb }: { adminDb: Database }): Route {
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
