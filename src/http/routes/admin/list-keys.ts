import { listKeys } from '../../../accounts/keys.ts';
import { emailSchema } from '../../../domain/email.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, keySchema, pageOf, pageQuery } from '../../schemas.ts';

const query = pageQuery.extend({ email: emailSchema.optional().meta({ description: 'Only the keys of this user' }) });

export function listKeysRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/keys',
    scope: 'admin',
    operationId: 'listKeys',
    summary: 'All keys, oldest first, including expired and revoked ones',
    requestParams: { query },
    responses: { 200: jsonResponse('A page of keys', pageOf(keySchema)) },
    problems: ['invalid_request', 'not_found'],
    handle: async (c) => c.json(await listKeys(adminDb, readQuery(c, query))),
  };
}
