import { describe, expect, it } from 'vitest';
import { QueryCache } from '../../src/cache/query-cache.ts';

const results: string[] = [];
const cacheOf = (options: { max?: number; ttlMs?: number } = {}) =>
  new QueryCache<number | undefined>({
    max: 10,
    ttlMs: Infinity,
    onRequest: (result) => results.push(result),
    ...options,
  });
/** A query whose answers are given by hand. */
function question() {
  const asked: PromiseWithResolvers<number | undefined>[] = [];
  const ask = () => {
    const answer = Promise.withResolvers<number | undefined>();
    asked.push(answer);
    return answer.promise;
  };
  return { asked, ask };
}

describe('QueryCache', () => {
  it('queries once, however many ask at a time, and reports hits and misses', async () => {
    results.length = 0;
    const cache = cacheOf();
    const { asked, ask } = question();
    const all = [cache.get('a', ask), cache.get('a', ask), cache.get('a', ask)];
    asked[0]?.resolve(1);
    expect(await Promise.all(all)).toEqual([1, 1, 1]);
    expect(await cache.get('a', ask)).toBe(1);
    expect(asked).toHaveLength(1);
    expect(results).toEqual(['miss', 'miss', 'miss', 'hit']);
  });

  it('keeps the answer that there is none', async () => {
    const cache = cacheOf();
    expect(await cache.get('a', async () => undefined)).toBeUndefined();
    expect(await cache.get('a', async () => 2)).toBeUndefined();
  });

  it('does not keep the answer to a query from before a change, but gives it to those who wait', async () => {
    const cache = cacheOf();
    const { asked, ask } = question();
    const before = cache.get('a', ask);
    cache.forget((value) => value === 7);
    const after = cache.get('a', ask);
    asked[0]?.resolve(1);
    asked[1]?.resolve(2);
    expect([await before, await after]).toEqual([1, 2]);
    expect(await cache.get('a', ask)).toBe(2);
    expect(asked).toHaveLength(2);
  });

  it('keeps no error', async () => {
    const cache = cacheOf();
    await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await cache.get('a', async () => 3)).toBe(3);
  });

  it('forgets what is affected, all of it, and what is too old', async () => {
    const cache = cacheOf();
    const read = (key: string, value: number) => cache.get(key, async () => value);
    await read('a', 1);
    await read('b', 2);
    cache.forget((value) => value === 1);
    expect([await read('a', 10), await read('b', 20)]).toEqual([10, 2]);
    cache.forget();
    expect(await read('b', 20)).toBe(20);
    cache.limitAge(0);
    expect(await read('b', 30)).toBe(30);
    cache.limitAge(Infinity);
    expect(await read('b', 40)).toBe(30);
    expect(await cacheOf({ ttlMs: 0 }).get('a', async () => 1)).toBe(1);
  });

  it('has at most `max` entries, and none with 0', async () => {
    const small = cacheOf({ max: 2 });
    for (const key of ['a', 'b', 'c']) await small.get(key, async () => 1);
    expect(await small.get('a', async () => 2)).toBe(2);
    const off = cacheOf({ max: 0 });
    await off.get('a', async () => 1);
    expect(await off.get('a', async () => 2)).toBe(2);
  });
});
