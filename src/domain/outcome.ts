import type { ErrorCode } from '../kernel/errors.ts';
import type { FailedResource, RenderTimings } from './job.ts';

/** A PDF in memory, in the pieces it arrived in. */
export interface RenderedPdf {
  chunks: Uint8Array[];
  /** bytes */
  size: number;
  pages: number;
  /** lower-case hex */
  sha256: string;
  timings: RenderTimings;
  /** all of them */
  failedResources: FailedResource[];
}

/**
 * What became of one attempt. A value, not an exception:
 * - `done`: there is a PDF
 * - `reject`: the document's own fault; trying again would give the same
 * - `retry`: our fault (a browser crashed); another attempt may succeed
 * - `interrupted`: nobody's fault: the worker is shutting down, memory or the room for temporary files ran out, the
 *   browser ended too late for another try, or the store did not keep the PDF; the job goes back, no attempt counted
 */
export type Outcome =
  | { kind: 'done'; pdf: RenderedPdf }
  | { kind: 'reject'; code: ErrorCode; message: string }
  | { kind: 'retry'; code: ErrorCode; message: string; cause: unknown }
  | { kind: 'interrupted'; reason?: Interruption };

/** What cut an attempt short, if it was not the end of its worker. */
type Interruption = 'memory' | 'browser' | 'room' | 'store';

/** Why there is no PDF, for people. */
export function reasonText(outcome: Exclude<Outcome, { kind: 'done' }>): string {
  if (outcome.kind !== 'interrupted') return outcome.message;
  return outcome.reason === 'room' ? 'there is no room for temporary files' : outcome.kind;
}

/** How an attempt is remembered: its outcome, or what was done to it from outside. */
export type AttemptOutcome = Outcome['kind'] | 'lost' | 'cancelled';
