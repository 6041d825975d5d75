/** Runs of a job that have file ids of their own; after that the ids repeat. */
const DIFFERENT_RUNS = 256;

/**
 * The id of the PDF of a job's run: the job's id with the run in the last byte. So a later run knows the ids that
 * earlier runs may have left in the store, and a file without a row can be attributed to its job.
 */
export function fileIdOf(jobId: string, run: number): string {
  const last = Number.parseInt(jobId.slice(-2), 16) ^ (run % DIFFERENT_RUNS);
  return jobId.slice(0, -2) + last.toString(16).padStart(2, '0');
}

/** The ids of the PDFs of all runs before this one. */
export function earlierFileIds(jobId: string, run: number): string[] {
  const count = Math.min(run, DIFFERENT_RUNS) - 1;
  return Array.from({ length: count }, (_, index) => fileIdOf(jobId, run - 1 - index));
}

/** The range of ids in which the job of a file is. */
export function jobIdRange(fileId: string): { first: string; last: string } {
  const start = fileId.slice(0, -2);
  return { first: `${start}00`, last: `${start}ff` };
}
