import { describe, expect, it } from 'vitest';
import { nextScale, type QueueCount, type ScalePolicy, type ScaleState } from '../../src/domain/desired-workers.ts';

const policy: ScalePolicy = { targetWaitMs: 60_000, min: 1, max: 10, downAfterMs: 60_000 };
const LOOK_SECONDS = 5;

interface World {
  /** jobs a second, at a time in seconds */
  arrivals: (second: number) => number;
  /** documents a second that each worker can end */
  perWorker: number;
  /** what jobs arrive at once, and when */
  bursts?: Record<number, number>;
  /** what items of batches arrive at once, and when; single jobs come before them */
  batches?: Record<number, number>;
  policy?: ScalePolicy;
}

/** A fleet that is always as large as desired, five seconds later. @returns one row for each look */
function simulate({ arrivals, perWorker, bursts = {}, batches = {}, policy: given = policy }: World, seconds: number) {
  let state: ScaleState | undefined;
  let workers = 1;
  let queue: number[] = []; // when each job came
  let items: number[] = [];
  let ended = 0;
  let itemsEnded = 0;
  let budget = 0;
  let longestWait = 0;
  let longestItemWait = 0;
  const rows: { second: number; desired: number; queued: number; items: number; arrivals: number }[] = [];
  for (let second = 0; second <= seconds; second++) {
    const coming = Math.floor(arrivals(second) * (second + 1)) - Math.floor(arrivals(second) * second);
    for (let job = 0; job < coming + (bursts[second] ?? 0); job++) queue.push(second);
    budget = Math.min(budget + workers * perWorker, workers * perWorker * 2);
    const done = Math.min(queue.length, Math.floor(budget));
    budget -= done;
    for (const cameAt of queue.slice(0, done)) longestWait = Math.max(longestWait, second - cameAt);
    queue = queue.slice(done);
    for (let item = 0; item < (batches[second] ?? 0); item++) items.push(second);
    const itemsDone = Math.min(items.length, Math.floor(budget));
    budget -= itemsDone;
    for (const cameAt of items.slice(0, itemsDone)) longestItemWait = Math.max(longestItemWait, second - cameAt);
    items = items.slice(itemsDone);
    ended += done + itemsDone;
    itemsEnded += itemsDone;
    if (second % LOOK_SECONDS > 0) continue;
    const count: QueueCount = {
      countedAt: new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString(),
      depth: { low: queue.length, medium: 0, high: 0, critical: 0 },
      oldestSeconds: queue.length > 0 ? second - (queue[0] ?? 0) : 0,
      items: items.length,
      scheduled: 0,
      paused: 0,
      processing: 0,
      workers,
      serverConnections: { active: 10, max: 100 },
      ended,
      ofItems: {
        ended: itemsEnded,
        processing: 0,
        oldestSeconds: items.length > 0 ? second - (items[0] ?? 0) : 0,
        paused: 0,
      },
    };
    ended = 0;
    itemsEnded = 0;
    workers = state?.desiredWorkers ?? 1;
    state = nextScale(given, state, count);
    const { desiredWorkers: desired, arrivalsPerSecond } = state;
    rows.push({ second, desired, queued: queue.length, items: items.length, arrivals: arrivalsPerSecond });
  }
  const changes = rows.filter((row, index) => index > 0 && row.desired !== rows[index - 1]?.desired);
  return {
    rows,
    changes,
    longestWait,
    longestItemWait,
    last: rows.at(-1),
    most: Math.max(...rows.map(({ desired }) => desired)),
  };
}

describe('desired workers', () => {
  it('are the fewest that are allowed while nothing is there to do', () => {
    expect(simulate({ arrivals: () => 0, perWorker: 10 }, 600).changes).toEqual([]);
    const none = { ...policy, min: 0 };
    const { last } = simulate({ arrivals: () => 0, perWorker: 10, policy: none }, 600);
    expect(last?.desired).toBe(0);
  });

  it('drain a burst within the wait that is allowed, without flapping, and are one again afterwards', () => {
    const { changes, longestWait, most, last } = simulate(
      { arrivals: () => 0, perWorker: 10, bursts: { 60: 2_000 } },
      900,
    );
    expect(longestWait).toBeLessThanOrEqual(60);
    expect(most).toBeGreaterThan(3);
    expect(last).toMatchObject({ desired: 1, queued: 0 });
    const turns = changes.filter(({ desired }, index) => {
      const before = changes[index - 1]?.desired ?? 1;
      const next = changes[index + 1]?.desired ?? 1;
      return desired > before !== next > desired;
    });
    expect(turns.length).toBeLessThanOrEqual(1); // up, and down
  });

  it('keep up with steady work, busy for four fifths of the time at most', () => {
    const { last, longestWait } = simulate({ arrivals: () => 25, perWorker: 10 }, 1_200);
    expect(last?.desired).toBeGreaterThanOrEqual(3);
    expect(last?.desired).toBeLessThanOrEqual(4);
    expect(longestWait).toBeLessThanOrEqual(60);
  });

  it('do not follow work that comes and goes every minute', () => {
    const { changes } = simulate({ arrivals: (second) => (second % 60 < 30 ? 20 : 0), perWorker: 10 }, 1_800);
    expect(changes.filter(({ second }) => second > 300).length).toBeLessThanOrEqual(2);
  });

  it('are never more than allowed, however much waits', () => {
    const { most } = simulate({ arrivals: () => 1_000, perWorker: 1 }, 300);
    expect(most).toBe(10);
  });

  it('are asked for when no worker is alive', () => {
    const count: QueueCount = {
      countedAt: '2026-01-01T00:00:00.000Z',
      depth: { low: 500, medium: 0, high: 0, critical: 0 },
      oldestSeconds: 5,
      items: 0,
      scheduled: 0,
      paused: 0,
      processing: 0,
      workers: 0,
      serverConnections: { active: 10, max: 100 },
      ended: 0,
      ofItems: { ended: 0, processing: 0, oldestSeconds: 0, paused: 0 },
    };
    expect(nextScale(policy, undefined, count).desiredWorkers).toBeGreaterThan(1);
    const items = { ...count, depth: { ...count.depth, low: 0 }, items: 1 };
    expect(nextScale({ ...policy, min: 0 }, undefined, items).desiredWorkers).toBe(1);
  });

  it('render the items of a batch within ten times the wait, with few more, and put no single job off', () => {
    const world = { arrivals: () => 4, perWorker: 10, batches: { 300: 10_000 } };
    const { rows, longestWait, longestItemWait, most, last } = simulate(world, 1_800);
    expect(longestItemWait).toBeLessThanOrEqual(600);
    expect(most).toBeLessThanOrEqual(7); // of ten thousand single jobs it is all ten
    expect(longestWait).toBeLessThanOrEqual(10);
    expect(last).toMatchObject({ desired: 1, queued: 0, items: 0 });
    for (const { arrivals } of rows) expect(arrivals).toBeLessThan(5);
  });
});
