import { z } from 'zod';
import { listTiers } from '../../../accounts/tiers.ts';
import type { Database } from '../../../db/pools.ts';
import { tierSchema } from '../../../domain/tier.ts';
import { jsonResponse } from '../../account-schemas.ts';
import type { Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

export function listTiersRoute({ adminDb }: { adminDb: Database }): Route {
  return {
    method: 'get',
    path: '/v1/admin/tiers',
    scope: 'admin',
    operation: {
      operationId: 'listTiers',
      summary: 'Every tier and its limits, from the lowest priority to the highest',
      responses: { 200: jsonResponse('The tiers', z.object({ data: z.array(tierSchema) })), ...problems() },
    },
    handle: async (c) => c.json({ data: await listTiers(adminDb) }),
  };
}
