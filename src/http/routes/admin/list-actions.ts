import { listActions } from '../../../bulk/bulk-actions.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, pageQuery } from '../../schemas.ts';
import { actionPage } from './action-schema.ts';

export function listActionsRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/actions',
    scope: 'console:read',
    operationId: 'listActions',
    summary: 'What was done to many jobs, newest first',
    description: 'Actions that ended more than 30 days ago are deleted.',
    requestParams: { query: pageQuery },
    responses: { 200: jsonResponse('A page of actions', actionPage) },
    handle: async (c) => c.json(await listActions(adminDb, readQuery(c, pageQuery))),
  };
}
