import type { Job, JobFile, JobMetadata, JobStatus } from './job.ts';

/** What a batch ends with: a file for each item; the same, to be fetched as one zip; or one PDF of all. */
export const BATCH_RESULTS = ['files', 'zip', 'merged'] as const;
export type BatchResult = (typeof BATCH_RESULTS)[number];

/**
 * `processing`: its items; `closing`: they have ended and are merged; `completed`: at least one item is; `failed`: none
 * is, or they could not be merged.
 */
export const BATCH_STATUSES = ['processing', 'closing', 'completed', 'failed', 'cancelled'] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** Items of one batch, at most. */
export const MAX_ITEMS = 100_000;

/** What is wrong with a row of a batch. */
export interface BadRow {
  /** from 1, without the header of a CSV */
  row: number;
  field: string;
  message: string;
}

/** A batch, as its owner sees it. Times are ISO 8601 in UTC. */
export interface Batch {
  id: string;
  status: BatchStatus;
  result: BatchResult;
  items: {
    total: number;
    /** that have not ended */
    open: number;
    completed: number;
    failed: number;
    cancelled: number;
    /** rows that were not valid and were left out, as the request allowed */
    skipped: number;
  };
  /** what was wrong with the first rows that were left out */
  skippedRows: BadRow[];
  filename: string | null;
  metadata: JobMetadata;
  /** what its items print: `invoice@7` */
  templates: string[];
  /** why it failed */
  error: { code: string; message: string } | null;
  /** of the job that merges the items, whose file is the merged PDF; null until there is one */
  job: string | null;
  createdAt: string;
  completedAt: string | null;
}

/** An item, as the batch lists it. */
export interface BatchItem {
  /** from 1 */
  row: number;
  /** id of its job */
  job: string;
  status: JobStatus;
  filename: string | null;
  metadata: JobMetadata;
  error: Job['error'];
  /** the first one */
  file: JobFile | null;
  /** how many there are */
  files: number;
  completedAt: string | null;
}
