import { adviceFor } from './advice.ts';
import type { Job, JobDetails } from '../domain/job.ts';

/** A job as the API answers it: in lists without its details. */
export type SeenJob = Omit<Job, 'file'> &
  Partial<Omit<JobDetails, keyof Job>> & {
    file: { size: number; pages: number; type: string; url: string | null } | null;
  };

/** What an agent needs to know of a job: no more, as every word costs it room. */
export function describeJob(job: SeenJob): Record<string, unknown> {
  const { id, status, error, file, failedResources, failedResourceCount, missingFonts, incomplete, templates } = job;
  const { consoleMessages: messages = [], retriedAs = [] } = job;
  return {
    id,
    status,
    createdAt: job.createdAt,
    ...(error && { error, advice: adviceFor(error.code) }),
    ...(file && { pages: file.pages, bytes: file.size, type: file.type, isKept: file.url !== null }),
    ...(failedResourceCount > 0 && { failedResourceCount, failedResources }),
    ...(messages.length > 0 && { consoleMessages: messages, consoleMessageCount: job.consoleMessageCount }),
    ...(missingFonts.length > 0 && { missingFonts }),
    ...(incomplete.length > 0 && { incomplete }),
    ...(templates.length > 0 && { templates }),
    ...(typeof job.retryOf === 'string' && { retryOf: job.retryOf }),
    ...(retriedAs.length > 0 && { retriedAs }),
    ...(job.paused && { paused: true }),
    ...(job.queuePosition !== null && { queuePosition: job.queuePosition }),
    ...(Object.keys(job.metadata).length > 0 && { metadata: job.metadata }),
  };
}
