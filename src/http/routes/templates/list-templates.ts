import { templateNameProblem } from '../../../domain/template-name.ts';
import { checkedText } from '../../../domain/check-input.ts';
import { listTemplates } from '../../../templates/read-templates.ts';
import { readQuery } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, pageQuery, templateVersionPage } from '../../schemas.ts';

const query = pageQuery.extend({ cursor: checkedText(templateNameProblem).optional() });

export function listTemplatesRoute({ readRouter }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/templates',
    scope: 'jobs:read',
    operationId: 'listTemplates',
    summary: 'Your templates by name, each its newest version',
    requestParams: { query },
    responses: { 200: jsonResponse('A page of templates', templateVersionPage) },
    problems: ['invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, ...readQuery(c, query) };
      return underWay.reading(principal.userId, async () =>
        c.json(await readRouter.read((db) => listTemplates(db, input))),
      );
    },
  };
}
