import { deleteTemplate } from '../../../templates/delete-template.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { templateParams } from '../../schemas.ts';

export function deleteTemplateRoute({ db }: AppDeps): Operation {
  return {
    endpoint: 'DELETE /v1/templates/{name}',
    scope: 'jobs:write',
    operationId: 'deleteTemplate',
    summary: 'Delete a template with all its versions',
    description: 'Jobs that were accepted before still print it. No number of a version is given again.',
    requestParams: { path: templateParams },
    responses: { 204: { description: 'The template is deleted' } },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const which = { userId: principal.userId, name: c.req.param('name') ?? '' };
      await underWay.writing(principal.userId, () => deleteTemplate(db, which));
      return c.body(null, 204);
    },
  };
}
