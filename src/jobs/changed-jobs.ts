import { sql } from 'drizzle-orm';
import { arrayLiteral } from '../db/array-literal.ts';
import type { Queryable } from '../db/pools.ts';
import type { JobFilter } from '../domain/job-filter.ts';
import { isFinal, type JobStatus } from '../domain/job.ts';
import { type ListedJob, searchJobs } from './search-jobs.ts';

/** Jobs under way whose changes are followed at a time; of further ones the ends are seen. */
const MOST_FOLLOWED = 1_000;
const PAGE = 200;
/** Milliseconds before the last check: a transaction that commits late has an earlier time. */
const OVERLAP_MS = 30_000;

/**
 * What has changed among the jobs of a filter since the last check. Its status and error are those that are to be shown;
 * the jobs are found by the other fields.
 */
export class ChangedJobs {
  readonly #db: Queryable;
  readonly #shown: Pick<JobFilter, 'status' | 'error'>;
  readonly #which: JobFilter;
  /** the last status of each job that was accepted lately, or is under way */
  readonly #statuses = new Map<string, JobStatus>();
  #since: number;

  /** @param since Unix time in milliseconds: jobs that were accepted later, and those that end later */
  constructor(db: Queryable, { status, error, ...which }: JobFilter, since: number) {
    this.#db = db;
    this.#shown = { status, error };
    this.#which = which;
    this.#since = since;
  }

  /** Whether a job that is followed may be begun, or is. */
  get isWaiting(): boolean {
    return [...this.#statuses.values()].some((status) => status === 'queued' || status === 'processing');
  }

  /** @param ended ids of jobs that have ended, of anybody */
  async check(ended: readonly string[]): Promise<ListedJob[]> {
    const startedAt = Date.now();
    const accepted = await this.#acceptedSince(this.#since - OVERLAP_MS);
    const known = await this.#byId([...this.#statuses].filter(([, status]) => !isFinal(status)).map(([id]) => id));
    const unknown: ListedJob[] = [];
    const { id: start = '' } = this.#which;
    for (const id of ended)
      if (id.startsWith(start) && !this.#statuses.has(id)) unknown.push(...(await this.#find({ ...this.#which, id })));
    this.#since = startedAt;
    // In the order in which they were read: of a job that is read twice, the second is what it is now.
    return [...accepted.toReversed(), ...known, ...unknown].filter((job) => this.#isNew(job));
  }

  #isNew({ id, status, errorCode }: ListedJob): boolean {
    if (this.#statuses.get(id) === status) return false;
    this.#statuses.delete(id); // the newest is the last
    this.#statuses.set(id, status);
    for (const [oldest] of this.#statuses) {
      if (this.#statuses.size <= MOST_FOLLOWED) break;
      this.#statuses.delete(oldest);
    }
    const { status: wanted = status, error = errorCode } = this.#shown;
    return status === wanted && errorCode === error;
  }

  async #acceptedSince(sinceMs: number): Promise<ListedJob[]> {
    const { after = '' } = this.#which;
    const since = new Date(sinceMs).toISOString();
    const jobs = await this.#find({ ...this.#which, after: after > since ? after : since });
    return jobs;
  }

  async #find(filter: JobFilter): Promise<ListedJob[]> {
    return (await searchJobs(this.#db, { filter, limit: PAGE })).jobs;
  }

  async #byId(ids: readonly string[]): Promise<ListedJob[]> {
    const changed = await this.#db.execute<{ id: string; status: JobStatus }>(
      sql`select id, status from pdfprompt_job where id = any (${arrayLiteral(ids)}::uuid[])`,
    );
    const found: ListedJob[] = [];
    for (const { id, status } of changed)
      if (status !== this.#statuses.get(id)) found.push(...(await this.#find({ id })));
    return found;
  }
}
