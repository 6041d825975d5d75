import { countForAction, startAction } from '../../../bulk/bulk-actions.ts';
import { readBulkFilter } from '../../../domain/bulk-action.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { jsonBody, jsonResponse } from '../../schemas.ts';
import { actionCountSchema, actionSchema, newActionSchema } from './action-schema.ts';

export function startActionRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/admin/actions',
    scope: 'operator',
    operationId: 'startAction',
    summary: 'Cancel, retry or replay all jobs of a filter',
    description:
      'It is done piece by piece, each job once, whatever becomes of the processes that do it. Jobs that are accepted later are not meant. Jobs that are retried count towards the limits of their users.',
    requestBody: jsonBody(newActionSchema),
    responses: {
      200: jsonResponse('With `dryRun`: how many jobs it would come to', actionCountSchema),
      201: jsonResponse('The action, which has begun', actionSchema),
    },
    handle: async (c) => {
      const { action, filter: fields, dryRun } = await readBody(c, newActionSchema);
      const filter = readBulkFilter(action, fields);
      if (dryRun) return c.json(await countForAction(adminDb, filter));
      const about = adminAboutOf(c);
      const started = await startAction(adminDb, { action, filter, startedBy: about.by, requestId: about.requestId });
      const { id: actionId, expected } = started;
      events.bulk.actionStarted({ by: about.by, requestId: about.requestId, actionId, action, expected });
      c.header('Location', `/v1/admin/actions/${actionId}`);
      return c.json(started, 201);
    },
  };
}
