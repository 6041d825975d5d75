import { settlePauses } from '../../../jobs/paused-jobs.ts';
import { startPause } from '../../../jobs/pauses.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { jsonBody, jsonResponse } from '../../schemas.ts';
import { newPauseSchema, pauseParams, pauseSchema } from './pause-schema.ts';

/** Milliseconds for the figures to be right at once; the workers do the rest. */
export const SETTLE_MS = 1_000;

export function startPauseRoute({ adminDb, queue, events }: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/admin/pauses/{target}',
    scope: 'operator',
    operationId: 'startPause',
    summary: 'Pause the jobs of a user, of a tier or of all',
    description:
      'Jobs that wait are not begun until the pause ends; then they have their old places in the queue. Jobs that run go on, and new ones are accepted. With a pause that is there its reason is changed.',
    requestParams: { path: pauseParams },
    requestBody: jsonBody(newPauseSchema),
    responses: {
      200: jsonResponse('The pause as it is now', pauseSchema),
      201: jsonResponse('The pause', pauseSchema),
    },
    problems: ['not_found'],
    handle: async (c) => {
      const { reason } = await readBody(c, newPauseSchema);
      const { pause, isNew } = await startPause(adminDb, { target: c.req.param('target') ?? '', reason });
      events.bulk.pauseStarted({ ...adminAboutOf(c), target: pause.target, reason, isNew });
      await settlePauses({ db: adminDb, queue }, { withinMs: SETTLE_MS });
      return c.json(pause, isNew ? 201 : 200);
    },
  };
}
