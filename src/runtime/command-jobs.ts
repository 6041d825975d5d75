import { record } from '../accounts/audit.ts';
import { type KnownRefusal, Limiter } from '../accounts/limits.ts';
import { readLimitsInForce } from '../accounts/user-limits.ts';
import { KnownAnswers } from '../cache/known-answers.ts';
import type { Config } from '../config/load.ts';
import type { Database } from '../db/pools.ts';
import { assetChunk } from '../db/schema.ts';
import type { Job } from '../domain/job.ts';
import { cancelJob } from '../jobs/cancel.ts';
import { getJob } from '../jobs/read.ts';
import { retryJob } from '../jobs/retry.ts';
import { findOwner } from '../jobs/search-jobs.ts';
import { CodedError } from '../kernel/errors.ts';
import { MEGABYTE } from '../kernel/units.ts';
import { JobQueue } from '../queue/boss.ts';
import { Stores } from '../storage/stores.ts';
import { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/log.ts';

interface CommandDeps {
  db: Database;
  config: Config;
  log: Logger;
}

/** Cancels a job of any user, for a command. @returns the job as it is then @throws CodedError `not_found` */
export async function cancelAnyJob({ db, log }: CommandDeps, jobId: string): Promise<Job> {
  const which = { ...(await ownerOf(db, jobId)), jobId };
  const queue = new JobQueue({ db, supervise: false, onError: () => undefined }); // every call rejects with the same error
  await queue.start();
  try {
    await cancelJob({ db, queue, events: new Events(log) }, { ...which, requestId: undefined });
    await record(db, { what: 'cancelled a job', by: undefined, jobId });
    return await getJob(db, which);
  } finally {
    await queue.stop();
  }
}

/**
 * Submits the request of a job of any user again, for a command; it counts towards the user's limits.
 * @returns the new job @throws CodedError `not_found`, and those of {@link retryJob}
 */
export async function retryAnyJob({ db, config, log }: CommandDeps, jobId: string): Promise<Job> {
  const { userId } = await ownerOf(db, jobId);
  const tier = await readLimitsInForce(db, { id: userId });
  if (!tier) throw new CodedError('job_not_retryable', 'its user has no subscription');
  // Nothing is cached: a command asks once.
  const refusals = new KnownAnswers<KnownRefusal>({ max: 0, maxSize: 0, onRequest: () => undefined });
  const deps = {
    db,
    reads: db,
    limiter: new Limiter({ refusals, ttlMs: 0 }),
    events: new Events(log),
    assetStores: new Stores(config, () => undefined, assetChunk),
    assetBytes: config.assetsMaxMb * MEGABYTE,
  };
  const { job } = await retryJob(deps, { principal: { userId, tier }, jobId });
  await record(db, { what: 'retried a job', by: undefined, jobId: job.id });
  return job;
}

async function ownerOf(db: Database, jobId: string): Promise<{ userId: string }> {
  const owner = await findOwner(db, jobId);
  if (!owner) throw new CodedError('not_found', `there is no job ${jobId.slice(0, 100)}`);
  return owner;
}
