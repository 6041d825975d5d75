import type { EndedJob } from '../domain/job-event.ts';

/**
 * Where a reader of events is: at an event, or at a moment between two. As a text it is the id of server-sent events:
 * `1795761331123-01a2…`, milliseconds and the job, or `1795761331123`.
 */
export interface EventPosition {
  /** Unix time in milliseconds, by the database's clock */
  atMs: number;
  jobId?: string | undefined;
}

/**
 * Milliseconds before a position that are read again. A job's end has the time at which its transaction began, and is
 * seen when that commits: transactions of the service take half a minute at most.
 */
export const OVERLAP_MS = 60_000;

const POSITION = /^(\d{1,13})(?:-([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}))?$/;

/** The position of a job's event; always the same one. */
export const positionOf = ({ id, completedAt }: EndedJob): EventPosition => ({
  atMs: completedAt.getTime(),
  jobId: id,
});

export const positionText = ({ atMs, jobId }: EventPosition) => (jobId === undefined ? `${atMs}` : `${atMs}-${jobId}`);

/** @returns undefined if it is none */
export function parsePosition(text: string): EventPosition | undefined {
  const [, at, jobId] = POSITION.exec(text) ?? [];
  return at === undefined ? undefined : { atMs: Number(at), jobId };
}
