import type { RequestAbout } from './about.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Identifies a batch. The request is the one that submitted it. */
export interface BatchAbout extends RequestAbout {
  batchId: string;
  userId: string;
  tier: string;
  items: number;
}

/** Identifies what was done to a schedule of a user. */
interface ScheduleAbout extends RequestAbout {
  schedule: string;
  userId: string;
}

/** Who did it: by a key of the API, or in the console. */
interface OperatorAbout {
  by: string;
  requestId: string | undefined;
}

/** What happens to batches and schedules; {@link Events} has it. */
export class BulkEvents {
  readonly #log: Logger;
  readonly #metrics: Metrics;

  /** A bug, or rows that somebody has changed: all items of a batch had ended, but it had not. */
  readonly batchRepaired = (batch: { batchId: string; userId: string }): void =>
    this.#log.error('batch.repaired', batch);
  readonly scheduleSaved = (schedule: ScheduleAbout & { isNew: boolean; paused: boolean }): void =>
    this.#log.info('schedule.saved', schedule);
  readonly scheduleDeleted = (schedule: ScheduleAbout): void => this.#log.info('schedule.deleted', schedule);

  /** Jobs of a target are not begun until the pause ends. */
  readonly pauseStarted = (pause: OperatorAbout & { target: string; reason: string; isNew: boolean }): void =>
    this.#log.info('pause.started', pause);
  /** To so many jobs, as counted before. */
  readonly actionStarted = (action: OperatorAbout & { actionId: string; action: string; expected: number }): void =>
    this.#log.info('action.started', action);
  readonly actionStopped = (action: OperatorAbout & { actionId: string }): void =>
    this.#log.info('action.stopped', action);
  readonly actionEnded = (action: { actionId: string; action: string; results: Record<string, number> }): void =>
    this.#log.info('action.ended', action);
  readonly pauseEnded = (pause: OperatorAbout & { target: string }): void => this.#log.info('pause.ended', pause);

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  batchSubmitted(batch: BatchAbout & { skipped: number }): void {
    this.#itemsAccepted(batch);
    this.#log.info('batch.submitted', batch);
  }

  /** With so many items that are done again; 0: what there is, is merged again. */
  batchRetried(batch: BatchAbout): void {
    this.#itemsAccepted(batch);
    this.#log.info('batch.retried', batch);
  }

  #itemsAccepted({ tier, items }: BatchAbout): void {
    this.#metrics.submitted.inc({ tier }, items);
    this.#metrics.bulk.items.inc({ result: 'accepted' }, items);
  }

  /**
   * A batch with so many items that had not ended. Without a request, a worker went on with a cancellation that was
   * interrupted.
   */
  batchCancelled(batch: Partial<RequestAbout> & { batchId: string; userId: string; items: number }): void {
    this.#metrics.cancelled.inc(batch.items);
    this.#metrics.bulk.items.inc({ result: 'cancelled' }, batch.items);
    this.#log.info('batch.cancelled', batch);
  }

  /** A time of a schedule has come, or a request asked for a run. */
  scheduleRan(run: {
    scheduleId: string;
    userId: string;
    plannedAt: string;
    status: 'waiting' | 'submitted' | 'refused' | 'skipped';
    jobId: string | undefined;
    code: string | undefined;
  }): void {
    this.#metrics.bulk.scheduleRuns.inc({ result: run.status });
    this.#log.info('schedule.ran', run);
  }
}
