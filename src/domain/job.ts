import type { ErrorCode } from '../kernel/errors.ts';
import { type Priority, priorityName } from './priority.ts';

export const JOB_STATUSES = ['queued', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** A job that has one of these stays as it is for ever. */
const FINAL_STATUSES = new Set<JobStatus>(['completed', 'failed', 'cancelled']);

export function isFinal(status: JobStatus): boolean {
  return FINAL_STATUSES.has(status);
}

/** Flat, so that it can be shown, searched and logged: at most 50 entries of 500 characters. */
export type JobMetadata = Record<string, string | number | boolean | null>;

/** Milliseconds spent, as measured by the worker. */
export interface RenderTimings {
  page: number;
  load: number;
  wait: number;
  print: number;
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

interface JobFile {
  id: string;
  /** where its bytes are; not told to its owner */
  store: 'postgres' | 'file';
  /** bytes */
  size: number;
  pages: number;
  /** lower-case hex */
  sha256: string;
  /** null once the PDF has expired */
  url: string | null;
  /** from then on it may go any moment */
  expiresAt: string;
}

/** A job as its owner sees it, but for its file's store. Times are ISO 8601 in UTC. */
export interface Job {
  id: string;
  status: JobStatus;
  priority: Priority;
  attempts: number;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
  /** 1 is next, 100 means 100 or more; null unless queued */
  queuePosition: number | null;
  timings: JobTimings | null;
  error: { code: ErrorCode; message: string } | null;
  file: JobFile | null;
  /** the first of them */
  failedResources: FailedResource[];
  failedResourceCount: number;
  metadata: JobMetadata;
}

/** A job that was just accepted. */
export function queuedJob(
  job: Pick<Job, 'id' | 'createdAt' | 'metadata' | 'queuePosition'> & { priority: number },
): Job {
  return {
    ...job,
    status: 'queued',
    priority: priorityName(job.priority),
    attempts: 0,
    startedAt: null,
    completedAt: null,
    timings: null,
    error: null,
    file: null,
    failedResources: [],
    failedResourceCount: 0,
  };
}
