/**
 * Where a reader of events is: at an event, or at a moment between two. As a text it is the id of server-sent events:
 * `1795761331123-01a2…`, milliseconds and the job or batch, or `1795761331123`.
 */
export interface EventPosition {
  /** Unix time in milliseconds, by the database's clock */
  atMs: number;
  /** of the job or batch that ended */
  id?: string | undefined;
}

/**
 * Milliseconds before a position that are read again. A job's end has the time at which its transaction began, and is
 * seen when that commits: transactions of the service take half a minute at most.
 */
export const OVERLAP_MS = 60_000;

const POSITION = /^(\d{1,13})(?:-([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}))?$/;

export const positionText = ({ atMs, id }: EventPosition) => (id === undefined ? `${atMs}` : `${atMs}-${id}`);

/** @returns undefined if it is none */
export function parsePosition(text: string): EventPosition | undefined {
  const [, at, id] = POSITION.exec(text) ?? [];
  return at === undefined ? undefined : { atMs: Number(at), id };
}
