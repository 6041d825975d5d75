import { AsyncLocalStorage } from 'node:async_hooks';

const jobs = new AsyncLocalStorage<string | undefined>();

/** Does `work` for a job: whatever comes of it, later and in callbacks too, is told apart by {@link currentJob}. */
export function forJob<T>(jobId: string | undefined, work: () => T): T {
  return jobs.run(jobId, work);
}

/** Does `work` for all jobs: what one of them begins, such as a browser, may go on for others. */
export function forNoJob<T>(work: () => T): T {
  return jobs.run(undefined, work);
}

/** The job for which what runs now is done; in a handler of uncaught exceptions the one that threw. */
export function currentJob(): string | undefined {
  return jobs.getStore();
}
