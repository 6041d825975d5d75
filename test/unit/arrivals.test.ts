import { describe, expect, it } from 'vitest';
import { type Arrival, arrivals } from '../../src/planning/arrivals.ts';

const HOUR = { rampMs: 0, durationMs: 3_600_000, seed: 7 };
const between = (list: Arrival[], from: number, to: number) =>
  list.filter(({ atMs }) => atMs >= from && atMs < to).length;

describe('arrivals', () => {
  it('come at the rate they should, for each user', () => {
    const list = [...arrivals({ rates: [2, 1, 0, 5], ...HOUR })];
    const of = (user: number) => list.filter((arrival) => arrival.user === user).length;
    // Six standard deviations, the square root each: no seed is refused for its luck.
    for (const [user, expected] of [7_200, 3_600, 0, 18_000].entries())
      expect(Math.abs(of(user) - expected)).toBeLessThanOrEqual(6 * Math.sqrt(expected));
    expect(list.every(({ atMs }, index) => atMs >= (list[index - 1]?.atMs ?? 0) && atMs < HOUR.durationMs)).toBe(true);
  });

  it('are a Poisson process: the pauses vary as much as they are long, and so do the counts of equal times', () => {
    const list = [...arrivals({ rates: [10], ...HOUR })];
    const pauses = list.slice(1).map(({ atMs }, index) => atMs - (list[index]?.atMs ?? 0));
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = (values: number[]) => {
      const middle = mean(values);
      return mean(values.map((value) => (value - middle) ** 2));
    };
    expect(Math.sqrt(variance(pauses)) / mean(pauses)).toBeCloseTo(1, 1);
    const counts = Array.from({ length: 3_600 }, () => 0);
    for (const second of list.map(({ atMs }) => Math.floor(atMs / 1_000))) counts[second] = (counts[second] ?? 0) + 1;
    expect(variance(counts) / mean(counts)).toBeGreaterThan(0.85);
    expect(variance(counts) / mean(counts)).toBeLessThan(1.15);
  });

  it('rise evenly in the ramp', () => {
    const list = [...arrivals({ rates: [20], rampMs: 1_000_000, durationMs: 2_000_000, seed: 3 })];
    expect(between(list, 0, 500_000) / between(list, 500_000, 1_000_000)).toBeCloseTo(1 / 3, 1);
    expect(between(list, 0, 1_000_000) / between(list, 1_000_000, 2_000_000)).toBeCloseTo(1 / 2, 1);
  });

  it('are the same for the same seed, others for another', () => {
    const some = (seed: number) => [...arrivals({ rates: [3, 4], rampMs: 1_000, durationMs: 60_000, seed })];
    expect(some(1)).toEqual(some(1));
    expect(some(1)).not.toEqual(some(2));
  });

  it('do not come where nobody sends', () => {
    expect([...arrivals({ rates: [], ...HOUR })]).toEqual([]);
    expect([...arrivals({ rates: [0, 0], ...HOUR })]).toEqual([]);
  });
});
