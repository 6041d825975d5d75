import type { Queryable } from '../db/pools.ts';
import { batchEvents } from './batch-events.ts';
import type { ClaimedDelivery } from './claim.ts';
import type { Ended } from './ended.ts';
import { jobEvents } from './job-events.ts';

/**
 * What deliveries report, as it is now. A batch whose failed items are retried is open again: then a delivery of its earlier end
 * has nothing to report.
 * @returns by the ids of the deliveries; tests are missing, and those whose end is no longer there
 */
export async function endsOf(db: Queryable, claimed: readonly ClaimedDelivery[]): Promise<Map<string, Ended>> {
  const unique = (ids: (string | undefined)[]) => [...new Set(ids.flatMap((id) => id ?? []))];
  const jobs = await jobEvents(db, unique(claimed.map(({ jobId }) => jobId)));
  const batches = await batchEvents(db, unique(claimed.map(({ batchId }) => batchId)));
  const ends = claimed.flatMap(({ id, jobId = '', batchId = '', batchEndedAt }): [string, Ended][] => {
    const batch = batches.get(batchId);
    const ended = batch?.endedAt === batchEndedAt ? batch : undefined;
    const found = jobs.get(jobId) ?? ended;
    return found ? [[id, found]] : [];
  });
  return new Map(ends);
}
