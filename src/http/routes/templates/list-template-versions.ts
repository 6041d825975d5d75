import { listVersions } from '../../../templates/read-templates.ts';
import { readQuery, wholeNumber } from '../../query.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, pageQuery, templateParams, templateVersionPage } from '../../schemas.ts';

const query = pageQuery.extend({ cursor: wholeNumber({ min: 1, max: 999_999_999, fallback: 999_999_999 }) });

export function listTemplateVersionsRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/templates/{name}/versions',
    scope: 'jobs:read',
    operationId: 'listTemplateVersions',
    summary: 'The versions of a template, newest first',
    requestParams: { path: templateParams, query },
    responses: { 200: jsonResponse('A page of versions', templateVersionPage) },
    problems: ['not_found', 'invalid_request'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const input = { userId: principal.userId, name: c.req.param('name') ?? '', ...readQuery(c, query) };
      return underWay.reading(principal.userId, async () => c.json(await listVersions(reads, input)));
    },
  };
}
