/** A bucket's upper end divided by its lower end: a reported value is within 1 % of the recorded one. */
const GROWTH = 1.02;
/** Milliseconds; faster times count as this. */
const SMALLEST = 0.01;
/** Enough for times of up to a day; slower times count as the last one. */
const BUCKETS = 1_157;

/** Milliseconds, except `count`; null if nothing was recorded. */
export type LatencySummary = { count: number } & Record<'mean' | 'p50' | 'p90' | 'p95' | 'p99' | 'max', number | null>;

/** Times in logarithmic buckets: constant memory, percentiles within 1 %, exact mean and maximum. */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** @param ms below 0 counts as 0 */
  record(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST) / SMALLEST) / Math.log(GROWTH));
    const index = Math.min(bucket, BUCKETS - 1);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count++;
    this.#sum += Math.max(0, ms);
    this.#max = Math.max(this.#max, ms);
  }

  /** @param percent 0 to 100. @returns milliseconds; null if nothing was recorded */
  percentile(percent: number): number | null {
    let rank = Math.max(1, Math.ceil((percent / 100) * this.#count));
    const bucket = this.#buckets.findIndex((count) => (rank -= count) <= 0);
    return bucket === -1 ? null : Math.min(this.#max, (endOf(bucket) * 2) / (GROWTH + 1));
  }

  summary(): LatencySummary {
    const at = (percent: number) => rounded(this.percentile(percent));
    const [mean, max] = this.#count > 0 ? [this.#sum / this.#count, this.#max] : [null, null];
    const percentiles = { p50: at(50), p90: at(90), p95: at(95), p99: at(99) };
    return { count: this.#count, mean: rounded(mean), ...percentiles, max: rounded(max) };
  }

  /** The distribution in at most so many bars, equally wide on a logarithmic scale. */
  bars(most: number): { fromMs: number; toMs: number; count: number }[] {
    const first = this.#buckets.findIndex((count) => count > 0);
    if (first === -1) return [];
    const used = this.#buckets.subarray(first, this.#buckets.findLastIndex((count) => count > 0) + 1);
    const width = Math.max(1, Math.ceil(used.length / most));
    return Array.from({ length: Math.ceil(used.length / width) }, (_, bar) => ({
      fromMs: endOf(first + bar * width - 1),
      toMs: endOf(first + (bar + 1) * width - 1),
      count: used.subarray(bar * width, (bar + 1) * width).reduce((sum, count) => sum + count, 0),
    }));
  }
}

const endOf = (bucket: number) => SMALLEST * GROWTH ** bucket;
const rounded = (ms: number | null) => (ms === null ? null : Math.round(ms * 100) / 100);
