import { z } from 'zod';
import { awaitJob } from '../await-job.ts';
import { describeJob } from '../describe-job.ts';
import { pagePictures } from '../page-pictures.ts';
import { json, tool } from '../tool.ts';

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
  run: async (client, { picture, request, ...source }, signal) => {
    const { id } = await client.json<{ id: string }>({
      method: 'POST',
      path: '/v1/jobs',
      type: 'application/json',
      body: JSON.stringify({ ...request, ...source }),
      signal,
    });
    const job = await awaitJob(client, id, signal);
    if (job.status !== 'completed') return { content: [json(describeJob(job))], isError: job.status === 'failed' };
    const link = await client.json<{ url: string; expiresAt: string }>({
      method: 'POST',
      path: `/v1/jobs/${id}/link`,
      type: 'application/json',
      body: JSON.stringify({ expiresIn: LINK_SECONDS }),
      signal,
    });
    const { url, expiresAt } = link;
    const isPdf = job.file?.type === 'application/pdf';
    const pictures = picture && isPdf ? await pagePictures(client, { jobId: id, pages: 'first' }, signal) : [];
    return { content: [json({ ...describeJob(job), link: { url, expiresAt } }), ...pictures] };
  },
});
