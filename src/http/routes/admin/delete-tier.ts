import { deleteTier } from '../../../accounts/tiers.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { tierNameParams } from '../../schemas.ts';

export function deleteTierRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/admin/tiers/{name}',
    scope: 'admin',
    operationId: 'deleteTier',
    summary: 'Delete a tier that no user is on',
    requestParams: { path: tierNameParams },
    responses: { 204: { description: 'The tier is deleted' } },
    problems: ['not_found', 'tier_in_use'],
    handle: async (c) => {
      const tier = c.req.param('name') ?? '';
      await deleteTier(adminDb, tier);
      events.accounts.tierDeleted({ ...adminAboutOf(c), tier });
      return c.body(null, 204);
    },
  };
}
