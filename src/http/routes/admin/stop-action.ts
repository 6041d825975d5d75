import { stopAction } from '../../../bulk/bulk-actions.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonResponse } from '../../schemas.ts';
import { actionSchema } from './action-schema.ts';

export function stopActionRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/admin/actions/{id}',
    scope: 'operator',
    operationId: 'stopAction',
    summary: 'Stop an action on many jobs',
    description: 'What is done stays as it is. One that has ended stays too.',
    requestParams: { path: idOf('action') },
    responses: { 200: jsonResponse('The action as it is now', actionSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const stopped = await stopAction(adminDb, c.req.param('id') ?? '');
      const { by, requestId } = adminAboutOf(c);
      if (stopped.status === 'stopped') events.bulk.actionStopped({ by, requestId, actionId: stopped.id });
      return c.json(stopped);
    },
  };
}
