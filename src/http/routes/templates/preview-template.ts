import { z } from 'zod';
import { filesField } from '../../../domain/source.ts';
import { submitJob, type Submitted } from '../../../jobs/submit.ts';
import { JOB_ERROR_CODES } from '../../../kernel/errors.ts';
import { previewRequest } from '../../../templates/preview-request.ts';
import { getTemplate } from '../../../templates/read-templates.ts';
import { answerPdf, waitMsOf } from '../../answer-pdf.ts';
import { type StoreFiles, withFiles } from '../../body.ts';
import type { AppContext, AppDeps, Operation } from '../../route.ts';
import { jsonOrFiles, templateParams, waitedResponses } from '../../schemas.ts';
import { textOf } from '../../text-of-asset.ts';
import { renderHeaders } from '../render-pdf.ts';
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
    requestParams: { path: templateParams, header: renderHeaders },
    requestBody: jsonOrFiles(body),
    responses: waitedResponses,
    problems: ['not_found', 'rate_limited', 'asset_limit_reached', ...JOB_ERROR_CODES, 'browser_failed'],
    handle: async (c) => {
      await admit(c, deps);
      const waitMs = waitMsOf(c.req.header('prefer'));
      const name = c.req.param('name') ?? '';
      const submitted = await withFiles(c, deps, body, (draft, store) => submitDraft(c, deps, { name, draft, store }), {
        isOptional: true,
      });
      return answerPdf(c, deps, submitted, { waitMs });
    },
  };
}

interface DraftInput {
  name: string;
  draft: Body;
  store: StoreFiles;
}

/** @throws CodedError */
async function submitDraft(
  c: AppContext,
  deps: AppDeps,
  { name, draft: { files: sent, ...settings }, store }: DraftInput,
): Promise<Submitted> {
  const { underWay, principal } = c.var;
  const { userId } = principal;
  const stored = sent && (await store(sent));
  return underWay.writing(userId, async () => {
    const files = stored ?? (await filesOf(deps, userId, name));
    const text = (file: string) => textOf(deps, userId, files[file]);
    const request = await previewRequest({ name, body: settings, files, textOf: text });
    const ofResult = Object.keys(request.resultFiles ?? {}).map((file) => [file, files[file] ?? '']);
    const all = [files, Object.fromEntries(ofResult) as Record<string, string>];
    return submitFrom(c, (input) => submitJob(deps, { ...input, request, files: all, isDraft: true }));
  });
}

async function filesOf({ reads }: AppDeps, userId: string, name: string): Promise<Record<string, string>> {
  const { files } = await getTemplate(reads, userId, { name, version: undefined });
  return Object.fromEntries(Object.entries(files).map(([path, { id }]) => [path, id]));
}
