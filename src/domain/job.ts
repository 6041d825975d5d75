import type { ErrorCode } from '../kernel/errors.ts';
import type { ConsoleMessage } from './page-report.ts';
import type { UploadState } from './delivery-status.ts';
import type { FileType } from './media-type.ts';
import { type Priority, priorityName } from './priority.ts';

export const JOB_STATUSES = ['scheduled', 'queued', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Statuses of a job that has not ended. */
export const UNDER_WAY: readonly JobStatus[] = ['scheduled', 'queued', 'processing'];

/** Whether a job with this status can no longer change. */
export function isFinal(status: JobStatus): boolean {
  return !UNDER_WAY.includes(status);
}

/** Flat, for display, search and logs: at most 50 entries of 500 characters. */
export type JobMetadata = Record<string, string | number | boolean | null>;

/** Milliseconds spent, as measured by the worker. */
export interface RenderTimings {
  page: number;
  load: number;
  wait: number;
  print: number;
  /** the steps after print, if there are any */
  finishing?: number;
}

/** Milliseconds: `queued` and `total` by the database's clock, the rest by the worker's. */
export interface JobTimings extends Partial<RenderTimings> {
  queued: number;
  total: number;
}

/** A subresource that did not load; the document was printed without it. */
export interface FailedResource {
  url: string;
  reason: string;
}

export interface JobFile {
  id: string;
  /** where the bytes are: kind and location of a store; not shown to the owner */
  store: string;
  location: string | null;
  /** bytes */
  size: number;
  /** of a picture 1 */
  pages: number;
  /** media type */
  type: FileType;
  /** its own; null: it is called as its job is */
  name: string | null;
  /** which part of the job it is of, from 0; null: of all */
  part: number | null;
  /** lower-case hex */
  sha256: string;
  /** null once the PDF has expired */
  url: string | null;
  /** the PDF is deleted some time after it */
  expiresAt: string;
}

/** A job as its owner sees it, apart from the file's store. Times are ISO 8601 in UTC. */
export interface Job {
  id: string;
  status: JobStatus;
  priority: Priority;
  attempts: number;
  createdAt: string;
  /** when it is printed, if the request says so */
  runAt: string | null;
  startedAt: string | null;
  completedAt: string | null;
  /** 1 is next, 100 means 100 or more; null unless queued, or while it is paused */
  queuePosition: number | null;
  /** queued, and not begun until an operator ends the pause */
  paused: boolean;
  timings: JobTimings | null;
  error: { code: ErrorCode; message: string } | null;
  /** the first one */
  file: JobFile | null;
  /** the first 20 */
  failedResources: FailedResource[];
  failedResourceCount: number;
  /** font families that the document asked for first, and did not get: at most 20 */
  missingFonts: string[];
  /** what was not waited for any longer, as sentences; with `bestAttempt` only */
  incomplete: string[];
  metadata: JobMetadata;
  /** the templates and versions that it prints: `invoice@7` */
  templates: string[];
  /** null: the request asks for none */
  upload: UploadState | null;
  /** the batch that it belongs to; its row there is null for the job that merges the items */
  batch: { id: string; row: number | null } | null;
  /** the job that it is a retry of, which may be deleted by now */
  retryOf: string | null;
}

/** A job by itself, with what lists leave out. */
export interface JobDetails extends Job {
  /** its retries, oldest first: at most 20 */
  retriedAs: string[];
  /** what its pages said: the first ones, and errors before others */
  consoleMessages: ConsoleMessage[];
  consoleMessageCount: number;
  /** the path of a picture of the page that failed; null: there is none, or it is no longer kept */
  failurePicture: string | null;
}

/** A job that was just accepted. Without a place in the queue it is scheduled; one that is paused will lose its place. */
export function acceptedJob(
  job: Pick<
    Job,
    'id' | 'createdAt' | 'runAt' | 'metadata' | 'templates' | 'upload' | 'queuePosition' | 'retryOf' | 'paused'
  > & {
    priority: number;
  },
): Job {
  return {
    ...job,
    status: job.queuePosition === null ? 'scheduled' : 'queued',
    queuePosition: job.paused ? null : job.queuePosition,
    priority: priorityName(job.priority),
    attempts: 0,
    startedAt: null,
    completedAt: null,
    timings: null,
    error: null,
    file: null,
    failedResources: [],
    failedResourceCount: 0,
    missingFonts: [],
    incomplete: [],
    batch: null,
  };
}
