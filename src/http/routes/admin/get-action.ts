import { getAction } from '../../../bulk/bulk-actions.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { idOf, jsonResponse } from '../../schemas.ts';
import { actionSchema } from './action-schema.ts';

export function getActionRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/actions/{id}',
    scope: 'console:read',
    operationId: 'getAction',
    summary: 'How far an action on many jobs is',
    requestParams: { path: idOf('action') },
    responses: { 200: jsonResponse('The action', actionSchema) },
    problems: ['not_found'],
    handle: async (c) => c.json(await getAction(adminDb, c.req.param('id') ?? '')),
  };
}
