import { describe, expect, it } from 'vitest';
import { FEWEST_CONNECTIONS, splitConnections } from '../../src/config/connections.ts';
import { BUILT_IN_CALIBRATION, costOf, spreadOf } from '../../src/planning/calibration.ts';
import { type CapacityInput, planCapacity } from '../../src/planning/capacity.ts';
import { workloadOf } from '../../src/planning/document-cost.ts';
import { calibrationOf, type PastJob } from '../../src/planning/history.ts';
import { DEFAULT_PRICES, SETUPS } from '../../src/planning/prices.ts';
import { simulate } from '../../src/planning/queueing-model.ts';
import { seededRandom } from '../../src/planning/seeded-random.ts';

const usual: Omit<CapacityInput, 'load'> = {
  mix: [
    { name: 'invoice', share: 0.8 },
    { name: 'ticket', share: 0.15 },
    { name: 'report', share: 0.05 },
  ],
  calibration: BUILT_IN_CALIBRATION,
  prices: DEFAULT_PRICES.setups.managed,
  retentionMs: 7 * 86_400_000,
  isolation: 'tenant',
  arePdfsInPostgres: true,
};
const planFor = (users: number, more: Partial<CapacityInput> = {}) =>
  planCapacity({ ...usual, load: { users, pdfsPerHour: users / 2 }, ...more });

describe('a plan asks for less than the usual table', () => {
  it.each([
    { users: 100, workers: 1, connections: 10, monthly: Infinity },
    { users: 500, workers: 2, connections: 30, monthly: Infinity },
    { users: 1_000, workers: 3, connections: 60, monthly: 145 },
    { users: 5_000, workers: 10, connections: 200, monthly: 590 },
    { users: 10_000, workers: 20, connections: 400, monthly: 1_180 },
  ])('for $users users: $workers workers, $connections connections', ({ users, workers, connections, monthly }) => {
    for (const setup of SETUPS) {
      const plan = planFor(users, { prices: DEFAULT_PRICES.setups[setup] });
      if (workers === 1) expect(plan.workers.count).toBe(1);
      else expect(plan.workers.count).toBeLessThan(workers);
      expect(plan.connections.needed).toBeLessThan(connections); // a command beside them included
      expect(plan.monthly.total).toBeLessThanOrEqual(monthly);
      expect(plan.predicted.utilisation).toBeLessThanOrEqual(0.75);
      expect(plan.predicted.turnaround.p95).toBeLessThanOrEqual(5_000);
    }
  });
});

describe('a plan', () => {
  it('has a worker to spare from 1,000 users on, and carries the peak without it', () => {
    expect(planFor(500).workers.count).toBe(1);
    const { workers, predicted } = planFor(1_000);
    expect(workers.count).toBe(workers.needed + 1);
    expect(predicted.utilisationWithoutOne).toBeLessThanOrEqual(0.75);
    expect(planFor(500, { spare: 2 }).workers.count).toBe(3);
  });

  it('grows with the users, and its connections fit the database', () => {
    const plans = [100, 1_000, 10_000, 100_000, 1_000_000].map((users) => planFor(users));
    for (const of of [
      (plan: (typeof plans)[number]) => plan.workers.count,
      (plan: (typeof plans)[number]) => plan.monthly.total,
      (plan: (typeof plans)[number]) => plan.database.storageGb,
    ])
      expect(plans.map(of)).toEqual(plans.map(of).toSorted((a, b) => a - b));
    for (const { connections, processes, predicted } of plans) {
      expect(connections.needed).toBeLessThanOrEqual(connections.available);
      expect(processes.serve + processes.up).toBeGreaterThan(0);
      for (const each of Object.values(processes.connections)) expect(each).toBeGreaterThanOrEqual(FEWEST_CONNECTIONS);
      expect(predicted.utilisation).toBeLessThanOrEqual(0.75);
    }
  });

  it('is made in a moment, for however many users', () => {
    const startedAt = performance.now();
    for (const users of [100, 10_000, 1_000_000]) planFor(users);
    expect(performance.now() - startedAt).toBeLessThan(30_000); // on a busy machine; 0.3 s on a quiet one
  });

  it('has more connections where a process has more to do', () => {
    const many = planFor(1_000_000, { workerSize: '8x16' }).processes.connections;
    expect(many.serve).toBeGreaterThan(FEWEST_CONNECTIONS);
    expect(splitConnections(many.serve, { isApi: true, isWorker: false }).main).toBeGreaterThan(2);
  });

  it('has more workers for a tighter target and a higher peak, and refuses what no number of workers can do', () => {
    expect(planFor(10_000, { peakFactor: 20 }).workers.count).toBeGreaterThan(planFor(10_000).workers.count);
    const [loose, tight] = [5_000, 700].map((targetP95Ms) => planFor(100_000, { targetP95Ms }));
    expect(tight?.predicted.turnaround.p95).toBeLessThanOrEqual(700);
    expect(tight?.workers.count).toBeGreaterThanOrEqual(loose?.workers.count ?? Infinity);
    expect(() => planFor(100, { targetP95Ms: 10 })).toThrow(
      /--target-p95: 0\.01s cannot be had: .* allowed: more than/,
    );
  });

  it('says so when one Postgres is not enough', () => {
    expect(() => planFor(50_000_000)).toThrow(/No database of the price table carries .* divide the users/);
  });

  it('takes the cheapest machine, or the given one', () => {
    const prices = structuredClone(DEFAULT_PRICES.setups.managed);
    expect(planFor(1_000, { workerSize: '8x16' }).workers.size).toBe('8x16');
    expect(() => planFor(1_000, { workerSize: '3x3' })).toThrow(/--worker-size: .* allowed: 2x4, 4x8, 8x16/);
    for (const machine of prices.machines) if (machine.size === '4x8') machine.monthly = 1;
    expect(planFor(1_000, { prices }).workers.size).toBe('4x8');
  });

  it('keeps the PDFs on a disk of the database only if they are there', () => {
    const [inside, outside] = [true, false].map(
      (arePdfsInPostgres) => planFor(100_000, { arePdfsInPostgres }).database,
    );
    expect(inside?.pdfGb).toBe(outside?.pdfGb);
    expect(inside?.storageGb).toBeGreaterThan((outside?.storageGb ?? Infinity) + (inside?.pdfGb ?? 0));
  });

  it('counts on warm pages for those who come again and again only', () => {
    const shareFor = (users: number) =>
      planCapacity({ ...usual, load: { users, pdfsPerHour: 5_000 } }).load.newPageShare;
    expect(shareFor(10)).toBeLessThan(0.01);
    expect(shareFor(10_000)).toBeGreaterThan(0.9);
  });

  it('needs fewer workers where documents of all tenants share pages', () => {
    const needed = (isolation: CapacityInput['isolation']) => planFor(20_000, { isolation }).workers.needed;
    expect(needed('static')).toBeLessThan(needed('tenant'));
    expect(needed('static')).toBe(needed('shared'));
    expect(needed('job')).toBeGreaterThanOrEqual(needed('tenant'));
    expect(planFor(20_000, { isolation: 'static' }).load.newPageShare).toBe(0);
  });
});

describe('a mix', () => {
  it('draws what it says', () => {
    const { mean, draw } = workloadOf({ mix: usual.mix, documents: usual.calibration.documents, newPageShare: 0.5 });
    const random = seededRandom(3);
    const drawn = Array.from({ length: 50_000 }, () => draw(random));
    const average = drawn.reduce((sum, { renderMs, newPageMs = 0 }) => sum + renderMs + newPageMs, 0) / drawn.length;
    expect(average / (mean.renderMs + mean.newPageMs)).toBeCloseTo(1, 1);
  });
});

describe('a calibration', () => {
  const measured = { cores: 2, slots: 3, htmlBytes: 4_000, pdfBytes: 50_000 };

  it('makes the model say what was measured', () => {
    for (const given of [
      { aloneMs: [80, 90, 100], saturatedRate: 18, otherWorkMs: 25, pickupMs: 5 },
      { aloneMs: [200, 220], saturatedRate: 12, newPageRate: 6 },
      { aloneMs: [50], saturatedRate: 25 },
    ]) {
      const cost = costOf({ ...measured, ...given });
      const { throughput } = simulate({
        workers: 1,
        cores: 2,
        slots: 3,
        rate: Infinity,
        documents: 2e3,
        seed: 9,
        pickupMs: given.pickupMs ?? 0,
        parallelism: cost.parallelism,
        demand: () => ({
          renderMs: cost.renderMs,
          idleMs: cost.idleMs,
          afterMs: given.otherWorkMs ?? 0,
        }),
      });
      expect(Math.abs(throughput / given.saturatedRate - 1)).toBeLessThan(0.05);
      const alone = given.aloneMs.reduce((sum, each) => sum + each, 0) / given.aloneMs.length;
      expect(cost.idleMs + cost.renderMs / cost.parallelism).toBeCloseTo(alone, 0);
    }
  });

  it('keeps the mean of a spread', () => {
    const spread = spreadOf(Array.from({ length: 1_000 }, (_, index) => 1 + index));
    expect(spread.length).toBe(40);
    expect(spread.reduce((sum, each) => sum + each, 0) / 40).toBeCloseTo(1, 2);
    expect(spread.at(-1)).toBeGreaterThan(1.9);
  });

  it('from history takes the jobs that had their worker to themselves', () => {
    const alone: PastJob[] = Array.from({ length: 30 }, (_, index) => ({
      worker: 'a',
      startedAt: index * 1e3,
      serviceMs: 100,
      pdfBytes: 1e3,
    }));
    const crowded: PastJob[] = Array.from({ length: 300 }, (_, index) => ({
      worker: 'b',
      startedAt: 100 * index,
      serviceMs: 300,
      pdfBytes: 1e3,
    }));
    const now = new Date('2030-01-01');
    expect(calibrationOf([...alone, ...crowded], now)).toMatchObject({
      samples: 30,
      documents: { history: { renderMs: 100 } },
    });
    expect(calibrationOf(crowded, now).documents['history']?.renderMs).toBe(300);
    expect(() => calibrationOf(alone.slice(0, 5), now)).toThrow(/there are 5 completed jobs, and 20/);
  });
});
