import { expect, it } from 'vitest';
import { fuzzPdfs, SEEDS } from '../fuzz/pdf.ts';

it('mutated uploads end as a result or are refused', async () => {
  const { done, refused, failed } = await fuzzPdfs({ seed: 1_000, count: 60 });
  expect(done + refused + [...failed.values()].reduce((sum, times) => sum + times, 0)).toBe(60);
  expect(done).toBeGreaterThanOrEqual(SEEDS.length); // what is not mutated
  expect([...failed]).toEqual([]);
});
