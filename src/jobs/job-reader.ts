import type { KnownAnswers } from '../cache/known-answers.ts';
import type { Database } from '../db/pools.ts';
import { isFinal, type Job } from '../domain/job.ts';
import { getJob } from './read.ts';

/** Milliseconds; all that can still change of a job that has ended is that its PDF expires. */
const ENDED_MS = 60_000;

/** Reads jobs for those who ask again and again: one that has ended is answered from memory for a while. */
export class JobReader {
  readonly #db: Database;
  readonly #ended: KnownAnswers<Job>;

  constructor(db: Database, ended: KnownAnswers<Job>) {
    this.#db = db;
    this.#ended = ended;
  }

  /** @throws CodedError `not_found`, for another's job too */
  async get(which: { userId: string; jobId: string }): Promise<Job> {
    const key = `${which.userId} ${which.jobId}`;
    const ended = this.#ended.get(key);
    if (ended) return ended;
    const job = await getJob(this.#db, which);
    if (isFinal(job.status)) this.#ended.put(key, job, Math.min(ENDED_MS, msUntilExpiry(job)));
    return job;
  }
}

/** From its expiry until the bytes are gone, a job is read each time. */
function msUntilExpiry({ file }: Job): number {
  return file?.url ? Date.parse(file.expiresAt) - Date.now() : Infinity;
}
