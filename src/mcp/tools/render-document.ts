import { z } from 'zod';
import { awaitJob } from '../await-job.ts';
import { pagePictures } from '../page-pictures.ts';
import type { ServiceClient } from '../../kernel/service-client.ts';
import { json, problemOf, tool } from '../tool.ts';

/** Seconds that the link to the result works. */
const LINK_SECONDS = 3_600;

const input = z.strictObject({
  html: z.string().optional().describe('The document itself, with its styles'),
  markdown: z.string().optional().describe('The document itself'),
  url: z.string().optional().describe('Where the document is'),
  template: z.string().optional().describe('One of your templates: invoice, or invoice@7'),
  data: z.record(z.string(), z.unknown()).optional().describe('What the template prints'),
  filename: z.string().optional(),
  request: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      'Any other fields of POST /v1/jobs (see /openapi.json): options {format, landscape, margin, printBackground, headerTemplate …}, waitForSelector, finishing, output …',
    ),
  picture: z.boolean().default(true).describe('Whether to return a picture of the first page; it is a job of its own'),
});

export const renderDocumentTool = tool({
  name: 'render_document',
  title: 'Print a document',
  description:
    'Prints exactly one of html, markdown, url, or template with data, and waits for the PDF. Returns the job, a link to the PDF that works for an hour, what did not load, and a picture of the first page.',
  input,
  isReadOnly: false,
  run: async (client, { picture, request, ...source }, signal, origin) => {
    const { id } = await client.json<{ id: string }>({
      method: 'POST',
      path: '/v1/jobs',
      type: 'application/json',
      body: JSON.stringify({ ...request, ...source }),
      signal,
    });
    const { job, about } = await awaitJob(client, id, signal);
    if (job?.status !== 'completed') return { content: [json(about)], isError: job?.status === 'failed' };
    const link = await linkTo(client, { id, origin }, signal);
    const isShown = picture && job.file?.type === 'application/pdf';
    const pictures = isShown ? await pagePictures(client, { jobId: id, pages: [1] }, signal) : [];
    return { content: [json({ ...about, link }), ...pictures] };
  },
});

/** A link to the result, or why there is none. */
async function linkTo(
  client: ServiceClient,
  { id, origin }: { id: string; origin: string | undefined },
  signal: AbortSignal,
): Promise<object> {
  try {
    const { url, expiresAt } = await client.json<{ url: string; expiresAt: string }>({
      method: 'POST',
      path: `/v1/jobs/${id}/link`,
      type: 'application/json',
      body: JSON.stringify({ expiresIn: LINK_SECONDS }),
      signal,
    });
    return { url: origin === undefined ? url : `${origin}${new URL(url).pathname}`, expiresAt };
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    return { problem };
  }
}
