/** Runs of a job whose files have ids of their own; from then on the ids come again. */
const DIFFERENT_RUNS = 256;

/**
 * Under which a run of a job keeps its PDF: the job's id, with the run in its last byte. So a later run knows what an
 * earlier one may have left behind, and of a file without a row can be told whose it was.
 */
export function fileIdOf(jobId: string, run: number): string {
  const last = Number.parseInt(jobId.slice(-2), 16) ^ (run % DIFFERENT_RUNS);
  return jobId.slice(0, -2) + last.toString(16).padStart(2, '0');
}

/** Of every run before this one. */
export function earlierFileIds(jobId: string, run: number): string[] {
  const count = Math.min(run, DIFFERENT_RUNS) - 1;
  return Array.from({ length: count }, (_, index) => fileIdOf(jobId, run - 1 - index));
}

/** Between which ids the job is that a file is of. */
export function jobIdRange(fileId: string): { first: string; last: string } {
  const start = fileId.slice(0, -2);
  return { first: `${start}00`, last: `${start}ff` };
}
