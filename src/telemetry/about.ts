// What identifies something in every line of the log about it.

/** Identifies a request. */
export interface RequestAbout {
  requestId: string | undefined;
  /** of the trace that it is a part of, the caller's or ours */
  traceId: string | undefined;
}

/** Identifies a request and the key that it was made with. */
export interface AdminAbout extends RequestAbout {
  /** the key's id */
  by: string;
}

/** Identifies a job, in every line about it. The request is the one that submitted it. */
export interface JobAbout extends RequestAbout {
  jobId: string;
  userId: string;
  tier: string;
}

/** Identifies a job that its worker did not end. */
export interface RunAbout extends JobAbout {
  /** of an item of a batch, or of the job that merges the items */
  batchId?: string | undefined;
  /** of an item: its row in the batch, from 1 */
  row?: number | undefined;
  /** number of the attempt, those that do not count included */
  run: number;
}

/** Identifies an attempt, in every line about it. */
export interface AttemptAbout extends RunAbout {
  attempt: number;
  /** from acceptance to the start of this attempt */
  waitedMs: number;
}
