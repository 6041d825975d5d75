import { revokeLinks } from '../../../jobs/revoke-links.ts';
import { aboutOf, type AppDeps, type Operation } from '../../route.ts';
import { idOf } from '../../schemas.ts';

export function revokeLinksRoute({ db, events }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/jobs/{id}/links',
    scope: 'jobs:write',
    operationId: 'revokeLinks',
    summary: 'Revoke all links of a job that were made before',
    description: 'Links of the bucket (`via`) cannot be revoked.',
    requestParams: { path: idOf('job') },
    responses: { 204: { description: 'The links are not valid any longer' } },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, jobId: c.req.param('id') ?? '' };
      await underWay.writing(principal.userId, () => revokeLinks(db, which));
      events.linksRevoked({ ...aboutOf(c), ...which });
      return c.body(null, 204);
    },
  };
}
