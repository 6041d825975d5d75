import type { Counter } from 'prom-client';
import type { BatchFigures } from '../domain/batch-figures.ts';
import { RUN_STATUSES } from '../domain/schedule.ts';
import type { MetricRegistry } from './metric-registry.ts';

/** Of batches and schedules; {@link Metrics} has them. */
export class BulkMetrics {
  readonly items: Counter;
  readonly scheduleRuns: Counter;
  readonly #registry: MetricRegistry;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.items = registry.counter(
      'batch_items_total',
      'Items of batches: accepted; completed, failed or cancelled, which ends them',
      'result',
    );
    this.scheduleRuns = registry.counter(
      'schedule_runs_total',
      'Times of schedules, by what became of them: submitted, waiting for a limit, refused, skipped',
      'result',
    );
  }

  /** @param figures undefined while another process reports them */
  watchBatches(figures: () => BatchFigures | undefined): void {
    const watch = (name: string, help: string, read: (figures: BatchFigures) => number) =>
      this.#registry.gaugeForAll(name, help, figures, read);
    watch('batches_open', 'Batches that have not ended', ({ batches }) => batches);
    watch('batch_items_open', 'Items of batches that have not ended', ({ items }) => items);
  }

  expectSchedules(): void {
    for (const result of RUN_STATUSES) this.scheduleRuns.inc({ result }, 0);
  }
}
