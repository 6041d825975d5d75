import { type QueueFigures, queuedJobs } from './queue-figures.ts';

/** The operator's limits. */
export interface ScalePolicy {
  /** milliseconds that a job may wait; the items of a batch {@link ITEM_PATIENCE} times as long */
  targetWaitMs: number;
  min: number;
  max: number;
  /** milliseconds for which fewer workers must have been enough before their number is reduced */
  downAfterMs: number;
}

/** One count of the queue. */
export type QueueCount = Pick<
  QueueFigures,
  | 'countedAt'
  | 'depth'
  | 'oldestSeconds'
  | 'items'
  | 'scheduled'
  | 'paused'
  | 'processing'
  | 'workers'
  | 'serverConnections'
> & {
  /** jobs ended since the count before, items too */
  ended: number;
  /** of those that have ended, are being rendered or are paused, how many are items; and since when the oldest batch is open */
  ofItems: { ended: number; processing: number; oldestSeconds: number; paused: number };
};

/** The state that each count passes to the next. */
export interface ScaleState extends QueueFigures {
  /** of the jobs being rendered */
  itemsProcessing: number;
  /** of the jobs that are paused */
  itemsPaused: number;
  /** since when fewer workers are enough, and the maximum needed since then; null: they are not */
  fewer: { since: string; needed: number } | null;
}

/** Documents a second that a worker is assumed to render before there is a measurement. An invoice takes two cores 50 ms. */
const FIRST_PER_WORKER = 4;
/** Seconds over which rates are smoothed. */
const SMOOTHING_SECONDS = 30;
/** The part of the time that arrivals may keep workers busy; with more, waiting times grow. */
const UTILISATION = 0.8;
/** The part of the allowed wait in which a backlog is to be rendered; the rest is for workers to start. */
const DRAIN_SHARE = 0.8;
/** The part of the allowed wait that a backlog gets even if it is late already. */
const LEAST_SHARE = 0.2;
/** How much longer than a single job the items of a batch may wait: it is no person that waits for each. */
const ITEM_PATIENCE = 10;

/**
 * The number of workers for the arrivals, or for the backlog to be rendered before its oldest job has waited too long,
 * whichever is more; and those for the items of batches, which may wait longer. It grows at once. It shrinks after fewer workers have been enough for a while, to the maximum
 * needed in that time.
 */
export function nextScale(policy: ScalePolicy, before: ScaleState | undefined, count: QueueCount): ScaleState {
  const { ended: _, ofItems, ...figures } = count;
  const seen = { ...figures, itemsProcessing: ofItems.processing, itemsPaused: ofItems.paused };
  const rates = ratesOf(before, count);
  const needed = Math.min(policy.max, Math.max(policy.min, neededWorkers(policy, count, rates)));
  const desired = before?.desiredWorkers ?? needed;
  if (needed >= desired) return { ...seen, ...rates, desiredWorkers: needed, fewer: null };
  const fewer = {
    since: before?.fewer?.since ?? seen.countedAt,
    needed: Math.max(before?.fewer?.needed ?? 0, needed),
  };
  if (Date.parse(seen.countedAt) - Date.parse(fewer.since) < policy.downAfterMs)
    return { ...seen, ...rates, desiredWorkers: desired, fewer };
  return { ...seen, ...rates, desiredWorkers: fewer.needed, fewer: null };
}

type Rates = Pick<QueueFigures, 'arrivalsPerSecond' | 'endedPerSecond' | 'perWorkerPerSecond'>;

function ratesOf(before: ScaleState | undefined, count: QueueCount): Rates {
  if (!before) return { arrivalsPerSecond: 0, endedPerSecond: 0, perWorkerPerSecond: FIRST_PER_WORKER };
  const seconds = Math.max(0.001, (Date.parse(count.countedAt) - Date.parse(before.countedAt)) / 1000);
  // Ten thousand items that arrive at once are no rate that goes on: only single jobs arrive.
  const inside = queuedJobs(count) + count.processing - count.ofItems.processing;
  const insideBefore = queuedJobs(before) + before.processing - before.itemsProcessing;
  // Nor are those that were paused, and come back at once.
  const resumed = Math.max(0, before.paused - before.itemsPaused - (count.paused - count.ofItems.paused));
  const arrived = Math.max(0, count.ended - count.ofItems.ended + inside - insideBefore - resumed);
  const weight = 1 - Math.exp(-seconds / SMOOTHING_SECONDS);
  const smooth = (old: number, now: number) => old + weight * (now - old);
  const endedPerSecond = smooth(before.endedPerSecond, count.ended / seconds);
  const workers = Math.min(count.workers, before.workers);
  // Workers that always had work show their capacity; otherwise their rate is a lower bound.
  const wasBusy = [before, count].every((each) => queuedJobs(each) + each.items > 0);
  const perWorkerPerSecond =
    workers === 0
      ? before.perWorkerPerSecond
      : wasBusy
        ? smooth(before.perWorkerPerSecond, count.ended / seconds / workers)
        : Math.max(before.perWorkerPerSecond, endedPerSecond / workers);
  return { arrivalsPerSecond: smooth(before.arrivalsPerSecond, arrived / seconds), endedPerSecond, perWorkerPerSecond };
}

function neededWorkers(
  { targetWaitMs }: ScalePolicy,
  { depth, oldestSeconds, items, ofItems }: QueueCount,
  { arrivalsPerSecond, perWorkerPerSecond }: Rates,
): number {
  const perWorker = Math.max(perWorkerPerSecond, 0.001);
  const target = targetWaitMs / 1000;
  const steady = arrivalsPerSecond / (UTILISATION * perWorker);
  const draining = queuedJobs({ depth }) / secondsLeft(target, oldestSeconds) / perWorker;
  const bulk = items / secondsLeft(ITEM_PATIENCE * target, ofItems.oldestSeconds) / perWorker;
  return Math.ceil(Math.max(steady, draining) + bulk);
}

/** In which a backlog is to be rendered. */
const secondsLeft = (target: number, oldest: number) => Math.max(DRAIN_SHARE * target - oldest, LEAST_SHARE * target);
