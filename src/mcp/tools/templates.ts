import { z } from 'zod';
import type { ServiceClient } from '../../kernel/service-client.ts';
import { awaitJob } from '../await-job.ts';
import { pagePictures } from '../page-pictures.ts';
import { json, tool } from '../tool.ts';
import { queryText } from './jobs.ts';

/** Characters of a template's texts in one answer. */
const MAX_TEXT = 300_000;
const TEXT = /\.(?:html?|liquid|md|css|js|mjs|json|svg|txt|csv|xml|ya?ml)$/i;

interface SeenTemplate {
  name: string;
  version: number;
  description: string | null;
  request: Record<string, unknown>;
  files: Record<string, { id: string; size: number; type: string }>;
}

const name = z.string().describe('The template, such as invoice; to read one also a version: invoice@7');
const files = z
  .record(z.string(), z.string())
  .optional()
  .describe('The text of each file that is new or changed, by its path: {"index.html": "…"}. The others stay');
const remove = z.array(z.string()).optional().describe('Paths of files that the template shall no longer have');

export const listTemplatesTool = tool({
  name: 'list_templates',
  title: 'List templates',
  description: 'Your templates, each with its newest version.',
  input: z.strictObject({ cursor: z.string().optional().describe('nextCursor of the page before') }),
  isReadOnly: true,
  run: async (client, { cursor }, signal) => ({
    content: [
      json(await client.json({ method: 'GET', path: `/v1/templates?${queryText({ limit: 100, cursor })}`, signal })),
    ],
  }),
});

export const getTemplateTool = tool({
  name: 'get_template',
  title: 'Get a template',
  description: 'The files of a template; those that are text with their content.',
  input: z.strictObject({ name }),
  isReadOnly: true,
  run: async (client, which, signal) => {
    const template = await read(client, which.name, signal);
    const texts: Record<string, string> = {};
    let size = 0;
    for (const [path, file] of Object.entries(template.files)) {
      size += TEXT.test(path) ? file.size : 0;
      if (!TEXT.test(path) || size > MAX_TEXT) continue;
      texts[path] = await (await client.send({ method: 'GET', path: `/v1/assets/${file.id}`, signal })).text();
    }
    const others = Object.entries(template.files).filter(([path]) => !Object.hasOwn(texts, path));
    const { version, description, request } = template;
    return {
      content: [
        json({
          name: template.name,
          version,
          description,
          request,
          files: texts,
          otherFiles: Object.fromEntries(others),
        }),
      ],
    };
  },
});

export const previewTemplateTool = tool({
  name: 'preview_template',
  title: 'Try a template',
  description:
    'Prints a template with changed files, without saving it, and returns a picture of the first page, or why it failed. Without data its own data.json is printed.',
  input: z.strictObject({ name, files, remove, data: z.record(z.string(), z.unknown()).optional() }),
  isReadOnly: false,
  run: async (client, { name: which, files: changed, remove: gone, data }, signal) => {
    const all = await merged(client, { name: which, changed, gone }, signal);
    const response = await client.send({
      method: 'POST',
      path: `/v1/templates/${encodeURIComponent(which)}/preview`,
      type: 'application/json',
      headers: { Prefer: 'wait=0' },
      body: JSON.stringify({ ...all.settings.request, files: all.files, data }),
      signal,
    });
    const id = response.headers.get('x-job-id') ?? '';
    await response.body?.cancel();
    const { job, about } = await awaitJob(client, id, signal);
    if (job?.status !== 'completed') return { content: [json(about)], isError: job?.status === 'failed' };
    return { content: [json(about), ...(await pagePictures(client, { jobId: id, pages: [1] }, signal))] };
  },
});

export const saveTemplateTool = tool({
  name: 'save_template',
  title: 'Save a template',
  description:
    'Saves changed files of a template, or a new template, as a new version. Versions never change, so the one before stays.',
  input: z.strictObject({ name, files, remove, description: z.string().optional() }),
  isReadOnly: false,
  run: async (client, { name: which, files: changed, remove: gone, description }, signal) => {
    const all = await merged(client, { name: which, changed, gone }, signal);
    const { version } = await client.json<SeenTemplate>({
      method: 'PUT',
      path: `/v1/templates/${encodeURIComponent(which)}`,
      type: 'application/json',
      body: JSON.stringify({ files: all.files, ...all.settings, ...(description !== undefined && { description }) }),
      signal,
    });
    return { content: [json({ name: which, version })] };
  },
});

function read(client: ServiceClient, which: string, signal: AbortSignal): Promise<SeenTemplate> {
  return client.json({ method: 'GET', path: `/v1/templates/${encodeURIComponent(which)}`, signal });
}

interface Change {
  name: string;
  changed: Readonly<Record<string, string>> | undefined;
  gone: readonly string[] | undefined;
}

/** Settings of a template that are one of its files win over those beside it. */
const SETTINGS_FILE = 'template.json';

/** The content of a template with changed files, as it is sent. A template that is not there yet has only those. */
async function merged(client: ServiceClient, { name: which, changed = {}, gone = [] }: Change, signal: AbortSignal) {
  const path = `/v1/templates/${encodeURIComponent(which)}`;
  const response = await client.send({ method: 'GET', path, signal, allow: [404] });
  const now = response.ok ? ((await response.json()) as SeenTemplate) : undefined;
  const isKept = ([file]: [string, unknown]) => !gone.includes(file) && !Object.hasOwn(changed, file);
  const kept = Object.entries(now?.files ?? {}).filter(isKept);
  const all: Record<string, string | { text: string }> = Object.fromEntries([
    ...kept.map(([file, { id }]) => [file, id] as const),
    ...Object.entries(changed).map(([file, text]) => [file, { text }] as const),
  ]);
  const isBeside = now !== undefined && !Object.hasOwn(all, SETTINGS_FILE);
  const settings: { request?: Record<string, unknown>; description?: string } = isBeside
    ? { request: now.request, ...(now.description !== null && { description: now.description }) }
    : {};
  return { files: all, settings };
}
