import { listTiers } from '../../../accounts/tiers.ts';
import { tierSchema } from '../../../domain/tier.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, listOf } from '../../schemas.ts';

export function listTiersRoute({ adminDb }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/admin/tiers',
    scope: 'admin',
    operationId: 'listTiers',
    summary: 'All tiers with their limits, lowest priority first',
    responses: { 200: jsonResponse('The tiers', listOf(tierSchema)) },
    handle: async (c) => c.json({ data: await listTiers(adminDb) }),
  };
}
