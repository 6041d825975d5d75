import { parseTemplateName } from '../../../domain/template-name.ts';
import { CodedError } from '../../../kernel/errors.ts';
import { getTemplate } from '../../../templates/read-templates.ts';
import type { AppDeps, Operation } from '../../route.ts';
import { jsonResponse, templateParams, templateResponseSchema } from '../../schemas.ts';

export function getTemplateRoute({ reads }: AppDeps): Operation {
  return {
    endpoint: 'GET /v1/templates/{name}',
    scope: 'jobs:read',
    operationId: 'getTemplate',
    summary: 'A template: its newest version, or the one after `@`',
    description: 'Its files are assets: `GET /v1/assets/{id}`.',
    requestParams: { path: templateParams },
    responses: { 200: jsonResponse('The version', templateResponseSchema) },
    problems: ['not_found'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const text = c.req.param('name') ?? '';
      const which = parseTemplateName(text);
      if (!which) throw new CodedError('not_found', `there is no template ${text.slice(0, 100)}`);
      return underWay.reading(principal.userId, async () => c.json(await getTemplate(reads, principal.userId, which)));
    },
  };
}
