import type { Delivery, DeliveryList, File as JobFile, FileList, Job, JobDetails, JobStatus, Link, NewLink, PdfRequest } from './api-types.ts'; // prettier-ignore
import { type CallOptions, type Connection, idempotent, jsonBody, type SubmitOptions } from './connection.ts';
import { type WaitOptions, withDeadline } from './deadline.ts';
import { Download } from './download.ts';
import { listen, type ListenedEvent, type ListenOptions } from './event-listener.ts';
import { formBody } from './form.ts';
import { pages } from './pages.ts';
import type { Body, Uploads } from './upload.ts';

/** What is sent with a request. */
export interface RequestOptions extends SubmitOptions {
  /** files that the document needs, or is: they are sent with the request */
  files?: Uploads | undefined;
}

/** Which file of a job; default: the first. */
export interface FileOptions extends CallOptions {
  /** its position, from 0 */
  file?: number | undefined;
  /** all files of the job, as a zip */
  zip?: boolean | undefined;
}

/** Seconds that one call waits: proxies give up after 30 or 60. */
const WAIT_SECONDS = 25;

export class Jobs {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Submits a job. It is answered as soon as the job is stored. */
  async create(request: PdfRequest, { files, idempotencyKey, signal }: RequestOptions = {}): Promise<Job> {
    const body = await requestBody(request, files);
    return this.#connection.json({ method: 'POST', path: 'jobs', headers: idempotent(idempotencyKey), body, signal });
  }

  async get(id: string, { signal }: CallOptions = {}): Promise<JobDetails> {
    return this.#connection.json({ method: 'GET', path: jobPath(id), signal });
  }

  /** Your jobs, newest first. */
  list(options: CallOptions & { status?: JobStatus | undefined } = {}): AsyncGenerator<Job, void, undefined> {
    return pages(this.#connection, 'jobs', options);
  }

  /** The job when it has ended: completed, failed or cancelled. */
  async wait(id: string, options: WaitOptions = {}): Promise<JobDetails> {
    return withDeadline(
      options,
      async (signal) => {
        for (;;) {
          const query = { wait: WAIT_SECONDS };
          const job: JobDetails = await this.#connection.json({ method: 'GET', path: jobPath(id), query, signal });
          if (job.completedAt !== null) return job;
        }
      },
      () => id,
    );
  }

  /** What happens to jobs and batches, as it happens, until the reader stops. */
  stream(options: ListenOptions = {}): AsyncGenerator<ListenedEvent, void, undefined> {
    return listen(this.#connection, options);
  }

  /** Cancels a job, queued or running. */
  async cancel(id: string, { signal }: CallOptions = {}): Promise<Job> {
    return this.#connection.json({ method: 'DELETE', path: jobPath(id), signal });
  }

  /** A new job with the same request as one that failed or was cancelled. */
  async retry(id: string, { idempotencyKey, signal }: SubmitOptions = {}): Promise<Job> {
    const headers = idempotent(idempotencyKey);
    return this.#connection.json({ method: 'POST', path: `${jobPath(id)}/retry`, headers, signal });
  }

  /** All files of a completed job, in their order. */
  async files(id: string, { signal }: CallOptions = {}): Promise<JobFile[]> {
    const list: FileList = await this.#connection.json({ method: 'GET', path: `${jobPath(id)}/files`, signal });
    return list.data;
  }

  /** One file of a completed job, or all. */
  async pdf(id: string, { file, zip = false, signal }: FileOptions = {}): Promise<Download> {
    const path = `${jobPath(id)}/${file === undefined ? 'pdf' : `files/${file}`}`;
    const again = () => this.#connection.send({ method: 'GET', path, headers: accept(zip), signal });
    return new Download(await again(), { jobId: id, again });
  }

  /** A URL to a file of a completed job that works without a key. */
  async link(id: string, link: NewLink = {}, { signal }: CallOptions = {}): Promise<Link> {
    return this.#connection.json({ method: 'POST', path: `${jobPath(id)}/link`, body: jsonBody(link), signal });
  }

  /** Deletes all files of a completed job before their time: they and their links answer 410 from then on. */
  async deletePdf(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#connection.send({ method: 'DELETE', path: `${jobPath(id)}/pdf`, signal });
  }

  /** Revokes all links of a job that were made before. */
  async revokeLinks(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#connection.send({ method: 'DELETE', path: `${jobPath(id)}/links`, signal });
  }

  /** The webhooks and the upload of a job, with every attempt. */
  async deliveries(id: string, { signal }: CallOptions = {}): Promise<Delivery[]> {
    const list: DeliveryList = await this.#connection.json({
      method: 'GET',
      path: `${jobPath(id)}/deliveries`,
      signal,
    });
    return list.data;
  }
}

const jobPath = (id: string) => `jobs/${encodeURIComponent(id)}`;

/** The header that asks for one file, or for all. */
export const accept = (zip: boolean) => ({ Accept: zip ? 'application/zip' : '*/*' });

/** JSON, or with files a form. */
export async function requestBody(request: unknown, files: Uploads = {}): Promise<Body> {
  const entries = Object.entries(files);
  if (entries.length === 0) return jsonBody(request);
  return formBody(
    request,
    entries.map(([filename, content]) => ({ name: 'files', filename, content })),
  );
}
