import { z } from 'zod';
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
  run: async (client, which, signal) => ({ content: await pagePictures(client, which, signal) }),
});
