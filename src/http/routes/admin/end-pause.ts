import { settlePauses } from '../../../jobs/paused-jobs.ts';
import { endPause } from '../../../jobs/pauses.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { pauseParams } from './pause-schema.ts';
import { SETTLE_MS } from './start-pause.ts';

export function endPauseRoute({ adminDb, queue, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/admin/pauses/{target}',
    scope: 'operator',
    operationId: 'endPause',
    summary: 'End a pause',
    requestParams: { path: pauseParams },
    responses: { 204: { description: 'Its jobs are in the queue again, or will be in a moment' } },
    problems: ['not_found'],
    handle: async (c) => {
      const target = await endPause(adminDb, c.req.param('target') ?? '');
      events.bulk.pauseEnded({ ...adminAboutOf(c), target });
      await settlePauses({ db: adminDb, queue }, { withinMs: SETTLE_MS });
      return c.body(null, 204);
    },
  };
}
