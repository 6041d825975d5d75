import { z } from 'zod';
import { setTier } from '../../../accounts/subscriptions.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonBody, jsonResponse, userSchema } from '../../schemas.ts';

const body = z
  .strictObject({
    tier: z.string().meta({ description: 'The name of a tier, see `GET /v1/admin/tiers`', example: 'professional' }),
  })
  .meta({ id: 'Subscription' });

export function setSubscriptionRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/admin/users/{id}/subscription',
    scope: 'admin',
    operationId: 'setSubscription',
    summary: 'Move a user to a tier, at once',
    requestParams: { path: idOf('user') },
    requestBody: jsonBody(body),
    responses: { 200: jsonResponse('The user as it is now', userSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { tier } = await readBody(c, body);
      const user = await setTier(adminDb, { userId: c.req.param('id') ?? '', tier });
      events.accounts.subscriptionSet({ ...adminAboutOf(c), userId: user.id, tier: user.tier });
      return c.json(user);
    },
  };
}
