/** Each bucket ends so much above where it begins: a value that is read is at most 1 % from the one recorded. */
const GROWTH = 1.02;
const STEP = Math.log(GROWTH);
/** Milliseconds; whatever is faster is this. */
const SMALLEST = 0.01;
/** Milliseconds, a day; whatever is slower is this. */
const LARGEST = 86_400_000;

/** Milliseconds each, but `count`. */
export interface LatencySummary {
  count: number;
  mean: number | null;
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

/**
 * Times in logarithmic buckets: some 1,150 at most, however many times there are, and every
 * percentile within 1 % of the true one. Mean and maximum are exact.
 */
export class LatencyHistogram {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** @param ms below 0 counts as 0 */
  record(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.min(ms, LARGEST) / SMALLEST) / STEP) || 0);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count++;
    this.#sum += Math.max(0, ms);
    this.#max = Math.max(this.#max, ms);
  }

  /** @param percent 0 to 100. @returns milliseconds; undefined if there is nothing */
  percentile(percent: number): number | undefined {
    let rank = Math.max(1, Math.ceil((percent / 100) * this.#count));
    for (const [bucket, count] of this.#ordered()) {
      rank -= count;
      if (rank <= 0) return Math.min(this.#max, middleOf(bucket));
    }
    return undefined;
  }

  summary(): LatencySummary {
    const at = (percent: number) => rounded(this.percentile(percent));
    return {
      count: this.#count,
      mean: rounded(this.#count > 0 ? this.#sum / this.#count : undefined),
      p50: at(50),
      p90: at(90),
      p95: at(95),
      p99: at(99),
      max: rounded(this.#count > 0 ? this.#max : undefined),
    };
  }

  /** The shape of it: how many times lie in each of so many bars, equally wide on a logarithmic scale. */
  bars(wanted: number): { fromMs: number; toMs: number; count: number }[] {
    const ordered = this.#ordered();
    const [first, last] = [ordered[0]?.[0], ordered.at(-1)?.[0]];
    if (first === undefined || last === undefined) return [];
    const width = Math.max(1, Math.ceil((last - first + 1) / wanted));
    const bars = Array.from({ length: Math.ceil((last - first + 1) / width) }, (_, index) => ({
      fromMs: endOf(first + index * width - 1),
      toMs: endOf(first + (index + 1) * width - 1),
      count: 0,
    }));
    for (const [bucket, count] of ordered) {
      const bar = bars[Math.floor((bucket - first) / width)];
      if (bar) bar.count += count;
    }
    return bars;
  }

  #ordered(): [number, number][] {
    return [...this.#buckets].sort(([a], [b]) => a - b);
  }
}

const endOf = (bucket: number) => SMALLEST * GROWTH ** bucket;
/** As far from either end, in proportion. */
const middleOf = (bucket: number) => (endOf(bucket) * 2) / (GROWTH + 1);
const rounded = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms * 100) / 100);
