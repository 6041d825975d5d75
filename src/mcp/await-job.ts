import { isFinal, type Job } from '../domain/job.ts';
import type { ServiceClient } from '../kernel/service-client.ts';

/** Seconds of one request, and how many of them an agent waits. */
const WAIT_SECONDS = 30;
const ROUNDS = 10;

/** A job as the API answers it. */
export type SeenJob = Omit<Job, 'file'> & {
  file: { size: number; pages: number; type: string; url: string | null } | null;
};

/** Waits for the end of a job, five minutes at most. @returns the job, ended or not @throws Refusal, Unreachable */
export async function awaitJob(client: ServiceClient, id: string, signal: AbortSignal): Promise<SeenJob> {
  let job = await read(client, id, 0, signal);
  for (let round = 0; round < ROUNDS && !isFinal(job.status); round++)
    job = await read(client, id, WAIT_SECONDS, signal);
  return job;
}

function read(client: ServiceClient, id: string, wait: number, signal: AbortSignal): Promise<SeenJob> {
  return client.json({ method: 'GET', path: `/v1/jobs/${encodeURIComponent(id)}?wait=${wait}`, signal });
}
