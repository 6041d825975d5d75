import { listPauses } from '../../../jobs/pauses.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, listOf } from '../../schemas.ts';
import { pauseSchema } from './pause-schema.ts';

export function listPausesRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/pauses',
    scope: 'console:read',
    operationId: 'listPauses',
    summary: 'Whose jobs are paused',
    responses: { 200: jsonResponse('All pauses', listOf(pauseSchema)) },
    handle: async (c) => c.json({ data: await listPauses(adminDb) }),
  };
}
