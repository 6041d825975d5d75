import type { ErrorCode } from '../kernel/errors.ts';
import type { FileType } from './media-type.ts';
import type { FailedResource, RenderTimings } from './job.ts';
import type { PageReport } from './page-report.ts';

/** A PDF in memory, in the pieces in which it was received. */
export interface PdfBytes {
  chunks: Uint8Array[];
  /** bytes */
  size: number;
  pages: number;
  /** lower-case hex */
  sha256: string;
  /** media type, if it is no PDF */
  type?: FileType;
  /** which part of its job it is of, from 0, if parts are not merged */
  part?: number;
  /** its own, if its part has one */
  name?: string | undefined;
}

/** How the parts of a job were printed. */
export interface PrintReport {
  timings: RenderTimings;
  /** all of them */
  failedResources: FailedResource[];
  /** families that a document asked for first, and did not get */
  missingFonts: string[];
  /** what was not waited for any longer, as sentences; with `bestAttempt` only */
  incomplete: string[];
  /** what the pages said; undefined: nothing */
  pageReport?: PageReport | undefined;
}

/** The PDF of one part, or the picture of its page. */
export type PrintedPart = PdfBytes & PrintReport;

/**
 * Why there is no PDF:
 * - `reject`: the document is at fault; another attempt would fail in the same way
 * - `retry`: the service is at fault (a browser crashed); another attempt may succeed
 * - `interrupted`: the worker is shutting down, memory or disk space for temporary files ran out, the browser ended too
 *   late for another try, no process was free for the steps after print, or the store did not keep the PDF. The job is requeued, and no attempt is counted.
 */
export type Failure =
  | { kind: 'reject'; code: ErrorCode; message: string; pageReport?: PageReport | undefined }
  | { kind: 'retry'; code: ErrorCode; message: string; cause: unknown; pageReport?: PageReport | undefined }
  | { kind: 'interrupted'; reason?: 'memory' | 'browser' | 'room' | 'store' | 'finishing' };

/** The outcome of printing one part. */
export type PrintOutcome = { kind: 'done'; pdf: PrintedPart } | Failure;

/** The outcome of one attempt at a job. `done`: there are its files, at least one. */
export type Outcome = ({ kind: 'done'; files: PdfBytes[] } & PrintReport) | Failure;

/** Why there is no PDF, for people. */
export function reasonText(outcome: Failure): string {
  if (outcome.kind !== 'interrupted') return outcome.message;
  return outcome.reason === 'room' ? 'there is no room for temporary files' : outcome.kind;
}

/** The recorded outcome of an attempt; the last two come from outside of the worker. */
export type AttemptOutcome = Outcome['kind'] | 'lost' | 'cancelled';
