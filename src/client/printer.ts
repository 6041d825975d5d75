import type { Job } from './api-types.ts';
import { type Connection, idempotent } from './connection.ts';
import { type WaitOptions, withDeadline } from './deadline.ts';
import { Download } from './download.ts';
import { accept, type Jobs, requestBody, type RequestOptions } from './jobs.ts';
import { PdfpromptError } from './pdfprompt-error.ts';

export interface PrintOptions extends RequestOptions, WaitOptions {
  /** all files of the job, as a zip */
  zip?: boolean | undefined;
}

/** Milliseconds for a document, with its time in the queue. */
const TIMEOUT_MS = 300_000;
/** Seconds that the first call waits. */
const WAIT_SECONDS = 25;

/** Submits a request and comes back with its file, however long it takes. */
export class Printer {
  readonly #connection: Connection;
  readonly #jobs: Jobs;

  constructor(connection: Connection, jobs: Jobs) {
    this.#connection = connection;
    this.#jobs = jobs;
  }

  /** @throws PdfpromptError with the code of the job's own error if it fails */
  async print(path: string, request: unknown, options: PrintOptions): Promise<Download> {
    const { files, zip = false, idempotencyKey, timeoutMs = TIMEOUT_MS, signal: callers } = options;
    const body = await requestBody(request, files);
    const seconds = Math.min(WAIT_SECONDS, Math.floor(timeoutMs / 1000));
    const headers = { ...idempotent(idempotencyKey), Prefer: `wait=${seconds}`, ...accept(zip) };
    let jobId: string | undefined;
    return withDeadline(
      { signal: callers, timeoutMs },
      async (signal) => {
        const response = await this.#connection.send({ method: 'POST', path, headers, body, signal });
        jobId = response.headers.get('x-job-id') ?? undefined;
        if (response.status !== 202) return this.#download(response, jobId, options);
        const { id } = (await response.json()) as Job;
        jobId = id;
        const job = await this.#jobs.wait(id, { signal });
        if (job.status !== 'completed') throw failureOf(job);
        return this.#download((await this.#jobs.pdf(id, { zip, signal })).response, id, options);
      },
      () => jobId,
    );
  }

  /** A download that asks again until the caller's own signal aborts: the time is for what comes before it. */
  #download(response: Response, jobId: string | undefined, { zip, signal }: PrintOptions): Download {
    if (jobId === undefined) return new Download(response);
    return new Download(response, {
      jobId,
      again: async () => (await this.#jobs.pdf(jobId, { zip, signal })).response,
    });
  }
}

function failureOf({ id, status, error }: Job): PdfpromptError {
  return new PdfpromptError(error?.code ?? 'job_failed', error?.message ?? `the job was ${status}`, { jobId: id });
}
