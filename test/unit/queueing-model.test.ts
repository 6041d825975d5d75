import { describe, expect, it } from 'vitest';
import { fewestServers, waitProbability } from '../../src/planning/erlang.ts';
import { type Demand, simulate } from '../../src/planning/queueing-model.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

/** Documents that hold a core and nothing else. */
const work = (renderMs: number): Demand => ({ renderMs, idleMs: 0, afterMs: 0 });
const constant = (ms: number) => () => work(ms);
const exponential = (ms: number) => (random: () => number) => work(-Math.log(1 - random()) * ms);

/** A slot for each core, so that nothing is shared: the textbook's servers. */
const servers = (count: number) => ({ workers: 1, cores: count, slots: count, pickupMs: 0, parallelism: 1 });

/** The mean of several seeds: one run at high load says little. */
function mean(of: 'wait' | 'turnaround', input: Omit<Parameters<typeof simulate>[0], 'seed'>) {
  const runs = [1, 2, 3, 4, 5, 6].map((seed) => simulate({ ...input, seed }));
  const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    p50: average(runs.map((run) => run[of].p50)),
    p95: average(runs.map((run) => run[of].p95)),
    throughput: average(runs.map((run) => run.throughput)),
  };
}

const isWithin = (value: number, expected: number, share: number) =>
  expect(Math.abs(value / expected - 1), `${value} beside ${expected}`).toBeLessThan(share);

describe('the simulation agrees with the textbook', () => {
  it.each([
    [1, 0.5],
    [2, 0.8],
    [4, 0.9],
  ])('on M/M/%i at a load of %d (Erlang C)', (count, load) => {
    const input = { ...servers(count), rate: (count * load) / 0.1, demand: exponential(100), documents: 60_000 };
    // P(wait > t) = C · exp(−c·µ·(1 − ρ)·t)
    const drain = (count * (1 - load)) / 100;
    const p95 = Math.log(waitProbability(count, count * load) / 0.05) / drain;
    isWithin(mean('wait', input).p95, p95, 0.08);
  });

  it('on M/G/1 with shared cores: a job’s mean time does not depend on the variance', () => {
    // E[T] = E[S] / (1 − ρ), for any distribution
    const input = { ...servers(1), slots: 1_000, rate: 5, documents: 60_000 };
    const times = [constant(100), exponential(100)].map((demand) => meanTurnaround({ ...input, demand }));
    for (const time of times) isWithin(time, 100 / (1 - 0.5), 0.05);
  });

  it('on M/D/1 and M/G/1 without sharing (Pollaczek–Khinchine)', () => {
    const input = { ...servers(1), rate: 8, documents: 60_000 };
    const wait = (secondMoment: number) => (8 * secondMoment) / (2 * (1 - 0.8)) / 1000;
    isWithin(meanTurnaround({ ...input, demand: constant(100) }), 100 + wait(100 ** 2), 0.06);
    // 50 or 350 ms, mean 100
    const two = (random: () => number) => work(random() < 5 / 6 ? 50 : 350);
    isWithin(meanTurnaround({ ...input, demand: two }), 100 + wait((5 * 50 ** 2 + 350 ** 2) / 6), 0.08);
  });
});

/** Milliseconds, over several seeds. */
function meanTurnaround(input: Omit<Parameters<typeof simulate>[0], 'seed'>): number {
  const means = [1, 2, 3, 4].map((seed) => simulate({ ...input, seed }).turnaround.mean);
  return means.reduce((sum, each) => sum + each, 0) / means.length;
}

describe('a worker', () => {
  const worker = { workers: 1, cores: 2, slots: 3, pickupMs: 4, parallelism: 1 };
  const saturated = { rate: Infinity, documents: 4_000, seed: 1 };

  it('gives as much as its cores do, whatever its slots beyond them', () => {
    for (const slots of [3, 6, 12]) {
      const { throughput } = simulate({ ...worker, ...saturated, slots, demand: constant(100) });
      isWithin(throughput, 20, 0.05);
    }
  });

  it('gives less where its slots are too few for its cores, and where storing takes its share', () => {
    isWithin(simulate({ ...worker, ...saturated, slots: 1, demand: constant(100) }).throughput, 1000 / 104, 0.02);
    const storing = () => ({ renderMs: 60, idleMs: 0, afterMs: 40 });
    isWithin(simulate({ ...worker, ...saturated, demand: storing }).throughput, 20, 0.05);
  });

  it('uses more than one core for a document that has the machine to itself, if it can', () => {
    const lone = { ...worker, rate: 0.1, documents: 200, seed: 1, demand: constant(100) };
    isWithin(simulate(lone).turnaround.p50, 104, 0.01);
    isWithin(simulate({ ...lone, parallelism: 1.25 }).turnaround.p50, 84, 0.01);
  });

  it('opens pages beforehand while a core is free: a new tenant waits for none at a low load, and saves nothing at a high one', () => {
    const demand = (): Demand => ({ renderMs: 80, newPageMs: 100, idleMs: 0, afterMs: 0 });
    const p50 = (rate: number, sparePages: number) =>
      simulate({ ...worker, rate, sparePages, documents: 5_000, seed: 1, demand }).turnaround.p50;
    isWithin(p50(0.1, 0), 184, 0.02);
    isWithin(p50(0.1, 4), 84, 0.02);
    expect(p50(4, 4)).toBeLessThan(0.6 * p50(4, 0));
    const most = (sparePages: number) => simulate({ ...worker, ...saturated, sparePages, demand }).throughput;
    isWithin(most(4), most(0), 0.03);
  });

  it('waits less with others beside it at the same load each', () => {
    const p95 = [1, 2, 8].map(
      (workers) =>
        mean('wait', { ...worker, workers, rate: 18 * workers, documents: 20_000, demand: constant(100) }).p95,
    );
    expect(p95).toEqual(p95.toSorted((a, b) => b - a));
    expect(p95[0]).toBeGreaterThan(2 * (p95[2] ?? Infinity));
  });

  it('uses given arrivals instead of drawing them', () => {
    const arrivals = [0, 0, 0, 0, 10_000];
    const { wait, turnaround } = simulate({
      ...worker,
      rate: 0,
      documents: 0,
      seed: 1,
      demand: constant(100),
      arrivals,
    });
    expect(wait.p50).toBeCloseTo(4);
    expect(turnaround.p95).toBeCloseTo(4 + 150 + 4 + 100); // three share two cores, the fourth has one
  });

  it('is the same for the same seed', () => {
    const once = () => simulate({ ...worker, rate: 15, documents: 2_000, seed: 7, demand: exponential(100) });
    expect(once()).toEqual(once());
    const random = seededRandom(1);
    const values = Array.from({ length: 10_000 }, random);
    isWithin(values.reduce((sum, value) => sum + value, 0) / values.length, 0.5, 0.02);
  });
});

describe('Erlang’s C', () => {
  it('is what the tables say', () => {
    expect(waitProbability(1, 0.5)).toBeCloseTo(0.5, 6);
    expect(waitProbability(2, 1)).toBeCloseTo(1 / 3, 6);
    expect(waitProbability(10, 8)).toBeCloseTo(0.409, 3);
    expect(waitProbability(3, 3)).toBe(1);
  });

  it('finds the fewest servers', () => {
    expect(fewestServers(0, 0.01)).toBe(1);
    expect(fewestServers(0.005, 0.01)).toBe(1);
    const servers = fewestServers(8, 0.01);
    expect(waitProbability(servers, 8)).toBeLessThanOrEqual(0.01);
    expect(waitProbability(servers - 1, 8)).toBeGreaterThan(0.01);
  });
});
