import { setLimits } from '../../../accounts/user-limits.ts';
import { limitOverridesSchema } from '../../../domain/limit-overrides.ts';
import { readBody } from '../../body.ts';
import { adminAboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf, jsonBody, jsonResponse, userSchema } from '../../schemas.ts';

export function setLimitsRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/admin/users/{id}/limits',
    scope: 'admin',
    operationId: 'setLimits',
    summary: 'Give a user limits of their own over those of their tier, at once',
    description: 'They replace those that the user has. An absent field is as the tier says.',
    requestParams: { path: idOf('user') },
    requestBody: jsonBody(limitOverridesSchema),
    responses: { 200: jsonResponse('The user as it is now', userSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const limits = await readBody(c, limitOverridesSchema);
      const user = await setLimits(adminDb, { userId: c.req.param('id') ?? '', limits });
      events.accounts.limitsSet({ ...adminAboutOf(c), userId: user.id, limits: user.limits });
      return c.json(user);
    },
  };
}

export function resetLimitsRoute({ adminDb, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/admin/users/{id}/limits',
    scope: 'admin',
    operationId: 'resetLimits',
    summary: 'Give a user the limits of their tier again, at once',
    requestParams: { path: idOf('user') },
    responses: { 204: { description: 'The user has no limits of their own' } },
    problems: ['not_found'],
    handle: async (c) => {
      const user = await setLimits(adminDb, { userId: c.req.param('id') ?? '', limits: {} });
      events.accounts.limitsSet({ ...adminAboutOf(c), userId: user.id, limits: {} });
      return c.body(null, 204);
    },
  };
}
