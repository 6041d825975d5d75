import { AsyncLocalStorage } from 'node:async_hooks';

const jobs = new AsyncLocalStorage<string | undefined>();

/** Runs `work` for a job: {@link currentJob} returns it in all that `work` starts, later and in callbacks too. */
export function forJob<T>(jobId: string | undefined, work: () => T): T {
  return jobs.run(jobId, work);
}

/** Runs `work` for no job in particular, such as the start of a browser that other jobs use too. */
export function forNoJob<T>(work: () => T): T {
  return jobs.run(undefined, work);
}

/** The job that the running code works for; in a handler of uncaught exceptions the job of the code that threw. */
export function currentJob(): string | undefined {
  return jobs.getStore();
}
