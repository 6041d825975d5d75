import { type QueueFigures, queuedJobs } from './queue-figures.ts';

/** What an operator allows. */
export interface ScalePolicy {
  /** milliseconds that a job may wait */
  targetWaitMs: number;
  min: number;
  max: number;
  /** milliseconds for which fewer must have sufficed */
  downAfterMs: number;
}

/** What was counted at one look. */
export type QueueCount = Pick<
  QueueFigures,
  'countedAt' | 'depth' | 'oldestSeconds' | 'processing' | 'workers' | 'serverConnections'
> & {
  /** jobs ended since the look before */
  ended: number;
};

/** What one look leaves to the next. */
export interface ScaleState extends QueueFigures {
  /** since when fewer would do, and the most that were needed since; null: not fewer */
  fewer: { since: string; needed: number } | null;
}

/** Documents a second that a worker is trusted with before one has shown what it can: an invoice takes two cores 50 ms. */
const FIRST_PER_WORKER = 4;
/** Seconds over which rates are smoothed. */
const SMOOTHING_SECONDS = 30;
/** Steady work may keep workers busy for this part of the time; above it waits grow long. */
const UTILISATION = 0.8;
/** Of the time allowed, the part in which a backlog shall be gone: new workers need some to start. */
const DRAIN_SHARE = 0.8;
/** However late it is already, a backlog gets this part of the time allowed. */
const LEAST_SHARE = 0.2;

/**
 * How many workers there should be: as many as the arrivals keep busy, and as many as bring the
 * backlog down before its oldest job has waited too long. More at once; fewer only when fewer have
 * sufficed for a while, and then no fewer than were needed in that while.
 */
export function nextScale(policy: ScalePolicy, before: ScaleState | undefined, count: QueueCount): ScaleState {
  const { ended: _, ...seen } = count;
  const rates = ratesOf(before, count);
  const needed = Math.min(policy.max, Math.max(policy.min, neededWorkers(policy, seen, rates)));
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
  const inside = queuedJobs(count) + count.processing;
  const arrived = Math.max(0, count.ended + inside - queuedJobs(before) - before.processing);
  const weight = 1 - Math.exp(-seconds / SMOOTHING_SECONDS);
  const smooth = (old: number, now: number) => old + weight * (now - old);
  const endedPerSecond = smooth(before.endedPerSecond, count.ended / seconds);
  const workers = Math.min(count.workers, before.workers);
  // Only who never lacked work shows what it can; otherwise it can do at least what it did.
  const wasBusy = queuedJobs(before) > 0 && queuedJobs(count) > 0;
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
  seen: Pick<QueueFigures, 'depth' | 'oldestSeconds'>,
  { arrivalsPerSecond, perWorkerPerSecond }: Rates,
): number {
  const perWorker = Math.max(perWorkerPerSecond, 0.001);
  const target = targetWaitMs / 1000;
  const left = Math.max(DRAIN_SHARE * target - seen.oldestSeconds, LEAST_SHARE * target);
  const steady = arrivalsPerSecond / (UTILISATION * perWorker);
  const draining = queuedJobs(seen) / left / perWorker;
  return Math.ceil(Math.max(steady, draining));
}
