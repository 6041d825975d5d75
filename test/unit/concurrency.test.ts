import { describe, expect, it } from 'vitest';
import { Concurrency } from '../../src/worker/concurrency.ts';

/** A machine whose throughput depends on how many documents are rendered at a time. */
function work(tuner: Concurrency, clock: { ms: number }, rate: (limit: number) => number, seconds: number): number[] {
  const limits: number[] = [];
  for (const end = clock.ms + seconds * 1000; clock.ms < end;) {
    clock.ms += 1000 / rate(tuner.limit);
    tuner.documentEnded();
    limits.push(tuner.limit);
  }
  return limits;
}

const upTo = (best: number) => (limit: number) => 20 * Math.min(limit, best) * 0.98 ** Math.max(0, limit - best);

function tune(rate: (limit: number) => number, { initial = 3, max = 50, seconds = 300 } = {}) {
  const clock = { ms: 0 };
  const tuner = new Concurrency({ initial, max, now: () => clock.ms });
  const limits = work(tuner, clock, rate, seconds);
  return { tuner, clock, limits };
}

describe('concurrency auto', () => {
  it.each([1, 2, 3, 5, 8])('finds that %i at a time are best, and holds it', (best) => {
    const { tuner, limits } = tune(upTo(best));
    const settled = limits.slice(Math.floor(limits.length / 2));
    const atBest = settled.filter((limit) => limit === best).length / settled.length;
    expect(atBest).toBeGreaterThan(0.75);
    expect(Math.abs(tuner.limit - best)).toBeLessThanOrEqual(1);
  });

  it('prefers fewer where more give nothing', () => {
    const { limits } = tune(() => 40);
    expect(limits.at(-1)).toBeLessThanOrEqual(2);
  });

  it('never leaves what is allowed', () => {
    expect(Math.max(...tune((limit) => limit * 10, { max: 4 }).limits)).toBe(4);
    expect(new Set(tune((limit) => limit * 10, { initial: 2, max: 2 }).limits)).toEqual(new Set([2]));
  });

  it('changes nothing while there is little to do', () => {
    const clock = { ms: 0 };
    const tuner = new Concurrency({ initial: 3, max: 50, now: () => clock.ms });
    for (let count = 0; count < 10_000; count++) {
      clock.ms += 50;
      tuner.documentEnded();
      tuner.slotFree();
    }
    expect(tuner.limit).toBe(3);
  });

  it('follows when the documents change', () => {
    const { tuner, clock } = tune(upTo(2));
    work(tuner, clock, upTo(6), 600);
    expect(tuner.limit).toBeGreaterThanOrEqual(5);
  });
});
