import { deleteTier } from '../../../accounts/tiers.ts';
import { adminAboutOf, type AppDeps, type Route } from '../../route.ts';
import { problems, tierNameParams } from '../../schemas.ts';

export function deleteTierRoute({ adminDb, events }: AppDeps): Route {
  return {
    method: 'delete',
    path: '/v1/admin/tiers/{name}',
    scope: 'admin',
    operation: {
      operationId: 'deleteTier',
      summary: 'Delete a tier that no user is on',
      requestParams: { path: tierNameParams },
      responses: { 204: { description: 'The tier is deleted' }, ...problems('not_found', 'tier_in_use') },
    },
    handle: async (c) => {
      const tier = c.req.param('name') ?? '';
      await deleteTier(adminDb, tier);
      events.tierDeleted({ ...adminAboutOf(c), tier });
      return c.body(null, 204);
    },
  };
}
