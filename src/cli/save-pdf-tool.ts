import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { messageOf } from '../kernel/errors.ts';
import { json, tool } from '../mcp/tool.ts';

/** For an agent on this machine. It never replaces a file. */
export const savePdfTool = tool({
  name: 'save_pdf',
  title: 'Save a PDF as a file',
  description:
    'Writes the PDF of a completed job into a new file on this machine. A file that is there is not replaced.',
  input: z.strictObject({
    jobId: z.string(),
    path: z.string().min(1).describe('Where; relative to the directory that this server was started in'),
  }),
  isReadOnly: false,
  run: async (client, { jobId, path }, signal) => {
    const response = await client.send({ method: 'GET', path: `/v1/jobs/${encodeURIComponent(jobId)}/pdf`, signal });
    const target = resolve(path);
    try {
      const file = await open(target, 'wx');
      try {
        await pipeline(Readable.fromWeb(response.body as never), file.createWriteStream(), { signal });
      } catch (error) {
        await rm(target, { force: true }); // a part of a PDF is none
        throw error;
      }
    } catch (error) {
      return { content: [{ type: 'text', text: `path: it could not be written: ${messageOf(error)}` }], isError: true };
    }
    return { content: [json({ path: target })] };
  },
});
