import { describe, expect, it } from 'vitest';
import { connectionBudget, FEWEST_CONNECTIONS, splitConnections } from '../../src/config/connections.ts';

const ROLES = {
  serve: { isApi: true, isWorker: false },
  work: { isApi: false, isWorker: true },
  up: { isApi: true, isWorker: true, isEmbedded: true },
};

describe.each(Object.entries(ROLES))('the connections of %s', (_, role) => {
  it('are DATABASE_MAX_CONNECTIONS in all, with one at least for each purpose', () => {
    for (let total = FEWEST_CONNECTIONS; total <= 100; total++) {
      const { main, reads, admin, sessions } = splitConnections(total, role);
      expect(main + reads + admin + sessions).toBe(total);
      expect(Math.min(main, admin, sessions, role.isApi ? reads : 1)).toBeGreaterThanOrEqual(1);
    }
  });
});

it('are of a kind that a process needs', () => {
  expect(splitConnections(20, ROLES.serve)).toEqual({ main: 12, reads: 5, admin: 2, sessions: 1 });
  expect(splitConnections(20, ROLES.work)).toEqual({ main: 16, reads: 0, admin: 2, sessions: 2 });
  expect(splitConnections(20, ROLES.up)).toEqual({ main: 10, reads: 5, admin: 2, sessions: 3 });
});

describe('the budget of connections', () => {
  it('is all that the processes may open, and a command beside them', () => {
    const server = { maxConnections: 97, others: 10 };
    expect(connectionBudget({ fleet: { serve: 2, work: 2 }, each: 20, ...server })).toEqual({
      needed: 83,
      available: 87,
      largestEach: 21,
    });
    expect(connectionBudget({ fleet: { serve: 2, work: 2, up: 1 }, each: 20, ...server })).toMatchObject({
      needed: 103,
      largestEach: 16,
    });
  });

  it('fits with the largest setting that it names, and not with one more', () => {
    for (let serve = 0; serve < 10; serve++) {
      for (let work = 1; work < 10; work++) {
        const budgetOf = (each: number) => connectionBudget({ fleet: { serve, work }, each, maxConnections: 200 });
        const { largestEach, available } = budgetOf(20);
        expect(budgetOf(largestEach).needed).toBeLessThanOrEqual(available);
        expect(budgetOf(largestEach + 1).needed).toBeGreaterThan(available);
      }
    }
  });

  it('behind a pooler is the sessions alone: one of an API, two of a worker', () => {
    const fleet = { serve: 3, work: 10 };
    expect(connectionBudget({ fleet, each: 20, isPooled: true, maxConnections: 97 }).needed).toBe(3 + 2 * 10 + 3);
  });

  it('of a server that is full has nothing', () => {
    const full = { fleet: { serve: 1, work: 1 }, each: 20, maxConnections: 97, others: 100 };
    expect(connectionBudget(full)).toMatchObject({ available: 0, largestEach: 0 });
  });
});
