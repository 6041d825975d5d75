import { queueFiguresSchema } from '../../../domain/queue-figures.ts';
import { readQueueFigures } from '../../../jobs/queue-watch.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse } from '../../schemas.ts';

export function getQueueRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/queue',
    scope: 'admin',
    operationId: 'getQueue',
    summary: 'Queued jobs, and how many workers they need',
    responses: { 200: jsonResponse('The latest count', queueFiguresSchema) },
    problems: ['unavailable'],
    handle: async (c) => c.json(await readQueueFigures(adminDb)),
  };
}
