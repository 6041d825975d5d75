import { z } from 'zod';
import { JOB_STATUSES } from '../../domain/job.ts';
import { describeJob, type SeenJob } from '../describe-job.ts';
import { json, tool } from '../tool.ts';

export const getJobTool = tool({
  name: 'get_job',
  title: 'Get a job, and why it failed',
  description:
    'The state of a job: its error and what to do about it, what its page said in the console, the resources that did not load, the fonts that were missing.',
  input: z.strictObject({ jobId: z.string() }),
  isReadOnly: true,
  run: async (client, { jobId }, signal) => {
    const path = `/v1/jobs/${encodeURIComponent(jobId)}`;
    return { content: [json(describeJob(await client.json<SeenJob>({ method: 'GET', path, signal })))] };
  },
});

export const listJobsTool = tool({
  name: 'list_jobs',
  title: 'List jobs',
  description: 'Your jobs, newest first; with status failed: what went wrong lately.',
  input: z.strictObject({
    status: z.enum(JOB_STATUSES).optional(),
    limit: z.int().min(1).max(100).default(20),
    cursor: z.string().optional().describe('nextCursor of the page before'),
  }),
  isReadOnly: true,
  run: async (client, query, signal) => {
    const { data, nextCursor } = await client.json<{ data: SeenJob[]; nextCursor: string | null }>({
      method: 'GET',
      path: `/v1/jobs?${queryText(query)}`,
      signal,
    });
    return { content: [json({ jobs: data.map(describeJob), nextCursor })] };
  },
});

/** Parameters that are set, as a query string. */
export function queryText(values: Readonly<Record<string, string | number | undefined>>): string {
  const set = Object.entries(values).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return new URLSearchParams(set).toString();
}
