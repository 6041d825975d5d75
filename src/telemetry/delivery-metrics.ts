import type { Counter, Histogram } from 'prom-client';
import type { DeliveryFigures } from '../domain/delivery-figures.ts';
import { type MetricRegistry, STORE_BUCKETS } from './metric-registry.ts';

/** Of webhooks and uploads; {@link Metrics} has them. */
export class DeliveryMetrics {
  readonly tries: Counter;
  readonly wait: Histogram;
  readonly #registry: MetricRegistry;

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
    this.tries = registry.counter(
      'deliveries_total',
      'Tries of webhooks and uploads: delivered; retried later; failed, which ends the delivery',
      'result',
    );
    this.wait = registry.histogram(
      'delivery_wait_seconds',
      'From when a webhook or an upload is due until it is sent',
      STORE_BUCKETS,
    );
  }

  /** @param figures undefined while another process reports them */
  watchDeliveries(figures: () => DeliveryFigures | undefined): void {
    this.#registry.gauge(
      'deliveries',
      'Webhooks and uploads that are still to be sent; reported by one process for all',
      ['state'],
      (gauge) => {
        gauge.reset();
        const known = figures();
        if (known) for (const state of ['ready', 'sending', 'waiting'] as const) gauge.set({ state }, known[state]);
      },
    );
    this.#registry.gaugeForAll(
      'delivery_oldest_ready_seconds',
      'For how long a webhook or an upload that may be sent has not been',
      figures,
      ({ oldestReadySeconds }) => oldestReadySeconds,
    );
  }

  /** The counters of what is sent start at 0. */
  expectDeliveries(): void {
    for (const result of ['delivered', 'retried', 'failed']) this.tries.inc({ result }, 0);
  }
}
