import { isFinal } from '../domain/job.ts';
import type { ServiceClient } from '../kernel/service-client.ts';
import { describeJob, type SeenJob } from './describe-job.ts';
import { problemOf } from './tool.ts';

/** Seconds. Agents give a tool a minute, and would print again what they have no id of. */
const WAIT_SECONDS = 40;

/** What a tool says of a job that it has submitted. */
export interface Awaited {
  /** undefined: it cannot be read */
  job: SeenJob | undefined;
  /** for the agent, always with the id */
  about: Record<string, unknown>;
}

/** Waits a while for the end of a job. What goes wrong after it was submitted never hides that it was. */
export async function awaitJob(client: ServiceClient, id: string, signal: AbortSignal): Promise<Awaited> {
  try {
    const path = `/v1/jobs/${encodeURIComponent(id)}?wait=${WAIT_SECONDS}`;
    const job = await client.json<SeenJob>({ method: 'GET', path, signal });
    const next = isFinal(job.status) ? {} : { next: 'It goes on. Ask for it with get_job; do not print it again.' };
    return { job, about: { ...describeJob(job), ...next } };
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    return { job: undefined, about: { id, problem, next: 'It was submitted. Do not print it again.' } };
  }
}
