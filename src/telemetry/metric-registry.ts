import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds: from a local disk to the time in which a store has to make progress. */
export const STORE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics of a process, and those of Node. */
export class MetricRegistry {
  readonly #registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** In Prometheus's text format. */
  async text(): Promise<{ body: string; contentType: string }> {
    return { body: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  counter(name: string, help: string, ...labelNames: string[]): Counter {
    return new Counter({ name: `pdfprompt_${name}`, help, labelNames, registers: [this.#registry] });
  }

  histogram(name: string, help: string, buckets: number[], ...labelNames: string[]): Histogram {
    return new Histogram({ name: `pdfprompt_${name}`, help, buckets, labelNames, registers: [this.#registry] });
  }

  /** Reported by the one process that has the figures. */
  gaugeForAll<F>(name: string, help: string, figures: () => F | undefined, read: (figures: F) => number): void {
    this.gauge(name, `${help}; reported by one process for all`, [], (gauge) => {
      const known = figures();
      if (known) gauge.set(read(known));
      else gauge.remove();
    });
  }

  gauge(name: string, help: string, labelNames: string[] = [], collect?: (gauge: Gauge) => void): Gauge {
    const gauge: Gauge = new Gauge({
      name: `pdfprompt_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      ...(collect && { collect: () => collect(gauge) }),
    });
    return gauge;
  }
}
