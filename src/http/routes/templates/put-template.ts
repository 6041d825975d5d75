import { getTemplate } from '../../../templates/read-templates.ts';
import { putTemplate } from '../../../templates/put-template.ts';
import { templateSchema } from '../../../templates/template-content.ts';
import { SETTINGS_FILE, templateSettings } from '../../../templates/template-settings.ts';
import { withFiles } from '../../body.ts';
import { TEMPLATE_EXAMPLES } from '../../examples.ts';
import { type AppDeps, type Operation } from '../../route.ts';
import { jsonOrFiles, jsonResponse, templateParams, templateResponseSchema } from '../../schemas.ts';
import { textOf } from '../../text-of-asset.ts';

export function putTemplateRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'PUT /v1/templates/{name}',
    scope: 'jobs:write',
    operationId: 'putTemplate',
    summary: 'Save a template',
    description:
      'What differs from the newest version becomes a new version; the same content changes nothing. Versions never change.',
    requestParams: { path: templateParams },
    requestBody: jsonOrFiles(templateSchema, TEMPLATE_EXAMPLES),
    responses: {
      200: jsonResponse('The newest version, which has this content already', templateResponseSchema),
      201: jsonResponse('The new version', templateResponseSchema),
    },
    problems: ['asset_limit_reached', 'template_limit_reached'],
    handle: async (c) => {
      const { underWay, principal } = c.var;
      const { userId } = principal;
      const name = c.req.param('name') ?? '';
      return withFiles(c, deps, templateSchema, async (body, store) => {
        const files = await store(body.files);
        return underWay.writing(userId, async () => {
          const own = templateSettings(await textOf(deps, userId, files[SETTINGS_FILE]));
          const { description = own.description, request = own.request } = body;
          const content = { files, description, request };
          const { version, isNew } = await putTemplate(deps.db, { userId, name, content });
          return c.json(await getTemplate(deps.reads, userId, { name, version }), isNew ? 201 : 200);
        });
      });
    },
  };
}
