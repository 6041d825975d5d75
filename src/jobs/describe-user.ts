import { listKeys } from '../accounts/keys.ts';
import type { Allowance } from '../accounts/limits.ts';
import { readUsage, type UsageDay } from '../accounts/usage.ts';
import { readLimitsInForce } from '../accounts/user-limits.ts';
import { getUser, type User } from '../accounts/users.ts';
import type { Database } from '../db/pools.ts';
import { JOB_STATUSES, type JobStatus } from '../domain/job.ts';
import { countJobs } from './search-jobs.ts';

/** Jobs of a status that are counted at most. */
const MOST_COUNTED = 10_000;

/** A user, with what is theirs in figures. */
export interface DescribedUser extends User {
  /** what is left of each limit; empty without limits, or without a subscription */
  allowances: Allowance[];
  /** what was charged on this UTC day */
  today: UsageDay | null;
  /** keys that are valid */
  keys: number;
  /** {@link MOST_COUNTED} stands for any larger number */
  jobs: Record<JobStatus, number>;
}

/** @throws CodedError `not_found`, and `invalid_request` for an email that is not valid */
export async function describeUser(db: Database, email: string): Promise<DescribedUser> {
  const user = await getUser(db, { email });
  const tier = await readLimitsInForce(db, { id: user.id });
  const usage = tier && (await readUsage(db, { userId: user.id, limits: tier, days: 1 }));
  const { data } = await listKeys(db, { email });
  const now = new Date().toISOString();
  const valid = data.filter(
    ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || expiresAt > now),
  );
  const jobs = {} as Record<JobStatus, number>;
  for (const status of JOB_STATUSES)
    jobs[status] = (await countJobs(db, { user: user.id, status }, { max: MOST_COUNTED })).count;
  return { ...user, allowances: usage?.allowances ?? [], today: usage?.today ?? null, keys: valid.length, jobs };
}
