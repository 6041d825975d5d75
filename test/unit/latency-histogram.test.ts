import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from '../../src/planning/latency-histogram.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

/** From microseconds to minutes, evenly on a logarithmic scale. */
function times(count: number): number[] {
  const random = seededRandom(5);
  return Array.from({ length: count }, () => 0.02 * 10 ** (random() * 6.5));
}

describe('a latency histogram', () => {
  it('gives every percentile within 1 %', () => {
    const values = times(20_000);
    const histogram = new LatencyHistogram();
    for (const value of values) histogram.record(value);
    const sorted = values.toSorted((a, b) => a - b);
    for (let percent = 0.5; percent <= 100; percent += 0.5) {
      const exact = sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? Number.NaN;
      expect(Math.abs((histogram.percentile(percent) ?? Number.NaN) / exact - 1)).toBeLessThan(0.01);
    }
  });

  it('knows the exact maximum and mean', () => {
    const histogram = new LatencyHistogram();
    for (const ms of [1, 2, 4.5]) histogram.record(ms);
    expect(histogram.summary()).toMatchObject({ count: 3, mean: 2.5, max: 4.5 });
    expect(histogram.percentile(100)).toBeLessThanOrEqual(4.5);
  });

  it('stays small, and takes whatever it is given', () => {
    const histogram = new LatencyHistogram();
    for (const value of [...times(200_000), -5, 0, Number.MAX_VALUE]) histogram.record(value);
    expect(histogram.bars(1_000_000).length).toBeLessThan(1_200);
    expect(histogram.percentile(0)).toBeCloseTo(0.01, 3);
    expect(histogram.summary().count).toBe(200_003);
  });

  it('has nothing to say of nothing', () => {
    expect(new LatencyHistogram().summary()).toEqual({
      count: 0,
      mean: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
      max: null,
    });
    expect(new LatencyHistogram().bars(40)).toEqual([]);
  });

  it('has bars that hold every value once', () => {
    const histogram = new LatencyHistogram();
    const values = times(1_000);
    for (const value of values) histogram.record(value);
    const bars = histogram.bars(40);
    expect(bars.length).toBeLessThanOrEqual(40);
    expect(bars.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
    for (const { fromMs, toMs, count } of bars)
      expect(values.filter((value) => value > fromMs && value <= toMs).length).toBe(count);
  });
});
