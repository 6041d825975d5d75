import { defineTier } from '../../../accounts/tiers.ts';
import { tierSchema } from '../../../domain/tier.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { jsonBody, jsonResponse, tierNameParams } from '../../schemas.ts';

const body = tierSchema.omit({ name: true }).meta({ id: 'TierLimits' });

export function defineTierRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/admin/tiers/{name}',
    scope: 'admin',
    operationId: 'defineTier',
    summary: 'Create a tier or change its limits',
    description: 'The limits apply at once to all users on the tier.',
    requestParams: { path: tierNameParams },
    requestBody: jsonBody(body),
    responses: {
      200: jsonResponse('The tier as it is now', tierSchema),
      201: jsonResponse('The new tier', tierSchema),
    },
    handle: async (c) => {
      const limits = await readBody(c, body);
      const { tier, isNew } = await defineTier(adminDb, { name: c.req.param('name') ?? '', ...limits });
      const { name, ...written } = tier;
      events.accounts.tierDefined({ ...adminAboutOf(c), tier: name, ...written, isNew });
      return c.json(tier, isNew ? 201 : 200);
    },
  };
}
