import type { KnownAnswers } from '../cache/known-answers.ts';
import type { Database } from '../db/pools.ts';
import type { JobDetails } from '../domain/job.ts';
import { getJob } from './read.ts';

/**
 * Milliseconds that a completed job is cached. It can still change: its PDF expires or is deleted, and its upload is
 * sent, for which it is not cached, or sent again. One that failed is not, as its next answer may name a retry.
 */
const ENDED_MS = 60_000;

/** By the id of the job. */
export interface EndedJob {
  userId: string;
  job: JobDetails;
}

/** Reads jobs for clients that poll: one that is completed is answered from memory for a while. */
export class JobReader {
  readonly #db: Database;
  readonly #ended: KnownAnswers<EndedJob>;

  constructor(db: Database, ended: KnownAnswers<EndedJob>) {
    this.#db = db;
    this.#ended = ended;
  }

  /** @throws CodedError `not_found`, for another tenant's job too */
  async get(which: { userId: string; jobId: string }): Promise<JobDetails> {
    const ended = this.#ended.get(which.jobId);
    if (ended?.userId === which.userId) return ended.job;
    const job = await getJob(this.#db, which);
    if (job.status === 'completed' && job.upload?.status !== 'pending')
      this.#ended.put(which.jobId, { userId: which.userId, job }, Math.min(ENDED_MS, msUntilExpiry(job)));
    return job;
  }

  /** Of a job that has changed: its PDF was deleted. */
  forget(jobId: string): void {
    this.#ended.forget(jobId);
  }
}

/** After its expiry and until its bytes are deleted, a job is not cached. */
function msUntilExpiry({ file }: JobDetails): number {
  return file?.url ? Date.parse(file.expiresAt) - Date.now() : Infinity;
}
