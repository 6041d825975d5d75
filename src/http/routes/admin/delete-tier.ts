import { deleteTier } from '../../../accounts/tiers.ts';
import type { Database } from '../../../db/pools.ts';
import type { Events } from '../../../telemetry/events.ts';
import { tierNameParams } from '../../account-schemas.ts';
import { adminAboutOf, type Route } from '../../route.ts';
import { problems } from '../../schemas.ts';

export function deleteTierRoute({ adminDb, events }: { adminDb: Database; events: Events }): Route {
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
      const tier = c.req.param('name') ?? '';
      await deleteTier(adminDb, tier);
      events.tierDeleted({ ...adminAboutOf(c), tier });
      return c.body(null, 204);
    },
  };
}
