import type { Transaction } from '../db/pools.ts';
import { replayFailedOf } from '../deliveries/replay.ts';
import type { FoundId } from '../jobs/search-jobs.ts';

/** Sends again what failed to be delivered of some jobs. */
export async function replayJobs(
  tx: Transaction,
  found: readonly FoundId[],
): Promise<{ results: { sentAgain: number; nothingFailed: number }; cancelled?: undefined }> {
  const jobs = await replayFailedOf(
    tx,
    found.map(({ id }) => id),
  );
  return { results: { sentAgain: jobs, nothingFailed: found.length - jobs } };
}
