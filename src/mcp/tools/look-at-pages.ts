import { z } from 'zod';
import { PDF_TYPE } from '../../domain/media-type.ts';
import { pageSelectionProblem, selectPages } from '../../domain/page-selection.ts';
import type { SeenJob } from '../describe-job.ts';
import { MAX_PICTURES, pagePictures } from '../page-pictures.ts';
import { tool } from '../tool.ts';

export const lookAtPagesTool = tool({
  name: 'look_at_pages',
  title: 'Look at pages',
  description: `Pictures of pages of a completed job's PDF, ${MAX_PICTURES} at most. They are a job of their own, which counts as one.`,
  input: z.strictObject({
    jobId: z.string().describe('The job that has made the PDF'),
    pages: z.string().default('first').describe('Such as 2, 2-4, last'),
  }),
  isReadOnly: false,
  run: async (client, { jobId, pages }, signal) => {
    const refuse = (text: string) => ({ content: [{ type: 'text' as const, text }], isError: true });
    const problem = pageSelectionProblem(pages);
    if (problem !== undefined) return refuse(`pages: ${problem}`);
    const path = `/v1/jobs/${encodeURIComponent(jobId)}`;
    const { file, status } = await client.json<SeenJob>({ method: 'GET', path, signal });
    if (file?.type !== PDF_TYPE) return refuse(`jobId: it has no PDF; it is ${status}`);
    const chosen = selectPages(pages, file.pages).filter((page) => page <= file.pages);
    if (chosen.length === 0) return refuse(`pages: the PDF has ${file.pages} pages`);
    const shown = chosen.slice(0, MAX_PICTURES);
    const left = chosen.length - shown.length;
    const more = {
      type: 'text' as const,
      text: `${left} more pages are not shown; allowed: ${MAX_PICTURES} at a time`,
    };
    return { content: [...(await pagePictures(client, { jobId, pages: shown }, signal)), ...(left > 0 ? [more] : [])] };
  },
});
