import { describe, expect, it } from 'vitest';
import { sampleRequests } from '../../src/planning/sample-documents.ts';
import { apportion, fractionsOf, parseShares } from '../../src/planning/shares.ts';

describe('shares', () => {
  it('are read as they are typed', () => {
    expect(parseShares('starter:70, professional:2.5,system')).toEqual([
      { name: 'starter', share: 70 },
      { name: 'professional', share: 2.5 },
      { name: 'system', share: 1 },
    ]);
    expect(parseShares('a:1,b:0')).toEqual([{ name: 'a', share: 1 }]);
  });

  it.each(['', 'a:', 'a:-1', 'a:x', ':3', 'a,,b', 'a:1,a:2', 'a:0'])('are refused if they are %j', (text) => {
    expect(parseShares(text)).toBeUndefined();
  });

  it('add up to 1 as fractions', () => {
    expect(fractionsOf(parseShares('invoice:3, ticket:1') ?? [])).toEqual([
      { name: 'invoice', share: 0.75 },
      { name: 'ticket', share: 0.25 },
    ]);
  });

  it('are given out to the last one', () => {
    const shares = [
      { name: 'starter', share: 70 },
      { name: 'professional', share: 25 },
      { name: 'enterprise', share: 5 },
    ];
    const counts = (total: number) => apportion(total, shares).map(({ count }) => count);
    expect(counts(500)).toEqual([350, 125, 25]);
    expect(counts(20)).toEqual([14, 5, 1]);
    expect(counts(3)).toEqual([2, 1, 0]);
    for (let total = 1; total < 200; total++) expect(counts(total).reduce((sum, count) => sum + count, 0)).toBe(total);
  });

  it('decide how often each document is drawn', () => {
    const documents = sampleRequests([
      { name: 'invoice', share: 3 },
      { name: 'ticket', share: 1 },
    ]);
    const names = Array.from({ length: 1_000 }, (_, index) => documents(index / 1_000).toString());
    expect(names.filter((body) => body.includes('"invoice.pdf"')).length).toBe(750);
    expect(names.filter((body) => body.includes('"ticket.pdf"')).length).toBe(250);
    expect(documents(1 - Number.EPSILON).length).toBeGreaterThan(100);
  });
});
