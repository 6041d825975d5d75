import type { ServiceClient } from '../kernel/service-client.ts';
import { awaitJob } from './await-job.ts';
import { json, problemOf, type ToolAnswer } from './tool.ts';

/** Pictures in one answer: each costs an agent much of its room. */
export const MAX_PICTURES = 5;
/** Bytes of all pictures of an answer. */
const MAX_BYTES = 4_000_000;
/** Enough to read text of the usual size. */
const DPI = 80;

/**
 * Pictures of pages of a job's PDF. They are a job of their own. What goes wrong with them is said in words.
 * @param pages from 1; {@link MAX_PICTURES} at most
 */
export async function pagePictures(
  client: ServiceClient,
  { jobId, pages }: { jobId: string; pages: readonly number[] },
  signal: AbortSignal,
): Promise<ToolAnswer['content']> {
  try {
    return await take(client, { jobId, pages }, signal);
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    return [{ type: 'text', text: `There is no picture: ${problem}` }];
  }
}

/** @throws Refusal, Unreachable */
async function take(
  client: ServiceClient,
  { jobId, pages }: { jobId: string; pages: readonly number[] },
  signal: AbortSignal,
): Promise<ToolAnswer['content']> {
  const output = { type: 'png', pages: pages.join(','), dpi: DPI };
  const { id } = await client.json<{ id: string }>({
    method: 'POST',
    path: '/v1/jobs',
    type: 'application/json',
    body: JSON.stringify({ pdf: { job: jobId }, output, metadata: { looksAt: jobId } }),
    signal,
  });
  const { job, about } = await awaitJob(client, id, signal);
  if (job?.status !== 'completed') return [json({ picture: about })];
  const content: ToolAnswer['content'] = [];
  let left = MAX_BYTES;
  for (const [at, page] of pages.entries()) {
    const response = await client.send({ method: 'GET', path: `/v1/jobs/${id}/files/${at}`, signal });
    const size = Number(response.headers.get('content-length'));
    if (!(size <= left)) {
      await response.body?.cancel();
      content.push({ type: 'text', text: `The picture of page ${page} is too large to be shown.` });
      continue;
    }
    left -= size;
    const bytes = Buffer.from(await response.arrayBuffer());
    content.push({ type: 'image', data: bytes.toString('base64'), mimeType: 'image/png' });
  }
  return content;
}
