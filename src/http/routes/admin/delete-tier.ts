import { deleteTier } from '../../../accounts/tiers.ts';
import type { Database } from '../../../db/pools.ts';
import { tierNameParams } from '../../account-schemas.ts';
import type { Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

export function deleteTierRoute({ adminDb }: { adminDb: Database }): Route {
  return {
    method: 'delete',
    path: '/v1/admin/tiers/{name}',
    scope: 'admin',
    operation: {
      operationId: 'deleteTier',
      summary: 'Delete a tier that nobody is on',
      requestParams: { path: tierNameParams },
      responses: { 204: { description: 'It is gone' }, ...problems('not_found', 'tier_in_use') },
    },
    handle: async (c) => {
      await deleteTier(adminDb, c.req.param('name') ?? '');
      return c.body(null, 204);
    },
  };
}
