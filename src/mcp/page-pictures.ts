import type { ServiceClient } from '../kernel/service-client.ts';
import { awaitJob } from './await-job.ts';
import { describeJob } from './describe-job.ts';
import { json, type ToolAnswer } from './tool.ts';

/** Pictures in one answer: each costs an agent much of its room. */
export const MAX_PICTURES = 5;
/** Bytes of all pictures of an answer. */
const MAX_BYTES = 4_000_000;
/** Enough to read text of the usual size. */
const DPI = 80;

/**
 * Pictures of pages of a job's PDF. They are a job of their own.
 * @param pages as `output.pages` of a request: `1`, `2-4`
 * @throws Refusal, Unreachable
 */
export async function pagePictures(
  client: ServiceClient,
  { jobId, pages }: { jobId: string; pages: string },
  signal: AbortSignal,
): Promise<ToolAnswer['content']> {
  const { id } = await client.json<{ id: string }>({
    method: 'POST',
    path: '/v1/jobs',
    type: 'application/json',
    body: JSON.stringify({
      pdf: { job: jobId },
      output: { type: 'png', pages, dpi: DPI },
      metadata: { looksAt: jobId },
    }),
    signal,
  });
  const job = await awaitJob(client, id, signal);
  if (job.status !== 'completed') return [json(describeJob(job))];
  const { data: files } = await client.json<{ data: unknown[] }>({
    method: 'GET',
    path: `/v1/jobs/${id}/files`,
    signal,
  });
  const content: ToolAnswer['content'] = [];
  let size = 0;
  for (let at = 0; at < Math.min(files.length, MAX_PICTURES); at++) {
    const response = await client.send({ method: 'GET', path: `/v1/jobs/${id}/files/${at}`, signal });
    const bytes = Buffer.from(await response.arrayBuffer());
    size += bytes.byteLength;
    if (size > MAX_BYTES) break;
    content.push({ type: 'image', data: bytes.toString('base64'), mimeType: 'image/png' });
  }
  const left = files.length - content.length;
  if (left > 0) content.push({ type: 'text', text: `${left} more pages are not shown; ask for fewer at a time` });
  return content;
}
