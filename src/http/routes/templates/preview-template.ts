import { z } from 'zod';
import { filesField } from '../../../domain/source.ts';
import { submitJob } from '../../../jobs/submit.ts';
import { JOB_ERROR_CODES } from '../../../kernel/errors.ts';
import { previewRequest } from '../../../templates/preview-request.ts';
import { getTemplate } from '../../../templates/read-templates.ts';
import { answerPdf, waitMsOf } from '../../answer-pdf.ts';
import { readBody } from '../../body.ts';
import { storeFiles } from '../../request-files.ts';
import type { AppContext, AppDeps, Operation } from '../../route.ts';
import { acceptedResponse, jsonBody, pdfResponse, templateParams } from '../../schemas.ts';
import { textOf } from '../../text-of-asset.ts';
import { admit, submitFrom } from '../submit-job.ts';

const body = z
  .looseObject({
    files: filesField.optional().describe('All files of the draft; default: those of the newest version'),
    data: z.unknown().optional().describe('Default: `data.json` among the files'),
  })
  .meta({ id: 'Preview', description: 'And the print settings of a request, over those of template.json' });

type Body = z.output<typeof body>;

export function previewTemplateRoute(deps: AppDeps): Operation {
  return {
    endpoint: 'POST /v1/templates/{name}/preview',
    scope: 'jobs:write',
    operationId: 'previewTemplate',
    summary: 'Print a template that need not be saved',
    description: 'A job like any other, which counts as one. The template need not exist if all its files are sent.',
    requestParams: { path: templateParams },
    requestBody: jsonBody(body),
    responses: { 200: pdfResponse, 202: acceptedResponse('Not done yet') },
    problems: ['not_found', 'rate_limited', 'asset_limit_reached', ...JOB_ERROR_CODES, 'browser_failed'],
    handle: async (c) => {
      await admit(c, deps);
      const draft = await readBody(c, body, { isOptional: true });
      return preview(c, deps, c.req.param('name') ?? '', draft);
    },
  };
}

/** Prints a draft, and answers with the PDF. @throws CodedError */
export async function preview(
  c: AppContext,
  deps: AppDeps,
  name: string,
  { files: sent, ...settings }: Body,
): Promise<Response> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const waitMs = waitMsOf(c.req.header('prefer'));
  const submitted = await underWay.writing(userId, async () => {
    const files = sent ? await storeFiles(c, deps, sent) : await filesOf(deps, userId, name);
    const text = (file: string) => textOf(deps, userId, files[file]);
    const request = await previewRequest({ name, body: settings, files, textOf: text });
    return submitFrom(c, (input) => submitJob(deps, { ...input, request, files, isDraft: true }));
  });
  return answerPdf(c, deps, submitted, waitMs);
}

async function filesOf({ reads }: AppDeps, userId: string, name: string): Promise<Record<string, string>> {
  const { files } = await getTemplate(reads, userId, { name, version: undefined });
  return Object.fromEntries(Object.entries(files).map(([path, { id }]) => [path, id]));
}
